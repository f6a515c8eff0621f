// SPDX-License-Identifier: BSL-1.0
//
// What it is: the verb `count` {name, ttl, file, times, pause}. So often: take the lock, however
// long that takes; read a number from the file, wait for `pause` ms, write one more; release.
// Nothing but the lock protects the file: a number that is too small shows two holders at once.
'use strict';

const fs = require('fs');

function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

// `take` waits for the lock and gives a function that releases it and says whether it was held.
function count_verb(take) {
  return async (args) => {
    const { file, times, pause = 0 } = args;
    let done = 0;
    let late = 0;
    for (; done < times; done += 1) {
      const release = await take(args);
      const number = Number(fs.readFileSync(file, 'utf8'));
      if (pause) await sleep(pause);
      fs.writeFileSync(file, String(number + 1));
      if (!await release()) late += 1;
    }
    return { done, late };
  };
}

module.exports = { count_verb, sleep };
