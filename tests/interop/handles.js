// SPDX-License-Identifier: BSL-1.0
//
// What it is: the objects that a package gave out, by the numbers that the test knows them by.
'use strict';

class Handles {
  constructor() {
    this.kept = new Map();
  }

  keep(object) {
    const handle = this.kept.size + 1;
    this.kept.set(handle, object);
    return handle;
  }

  get(handle) {
    if (!this.kept.has(handle)) throw new Error(`no such handle: ${handle}`);
    return this.kept.get(handle);
  }
}

module.exports = { Handles };
