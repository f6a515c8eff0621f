// SPDX-License-Identifier: BSL-1.0
//
// What it is: a function that a package runs while it holds a lock, and that goes on until the test
// says that it shall end. Three verbs: `using` answers when the function has begun, or with the
// error if it never does; `using_state` looks at it; `using_end` lets it return, or throw the text
// `throw`, and answers when the package is done with it.
'use strict';

const { explain } = require('./explain');

class Routine {
  // `start` gets the function and returns the package's promise.
  constructor(start) {
    this.aborted = false;
    this.end = null;
    const ended = new Promise((resolve, reject) => { this.end = { resolve, reject }; });
    ended.catch(() => {});  // The package may have given up on the function before it threw.
    this.begun = new Promise((begin) => {
      this.outcome = Promise.resolve(start((signal) => {
        this.watch(signal);
        begin(null);
        return ended;
      })).then(() => ({ failed: null }), (failed) => ({ failed }));
    });
  }

  watch(signal) {
    if (!(signal instanceof AbortSignal)) return;
    signal.addEventListener('abort', () => {
      this.aborted = true;
      this.aborted_ms = Date.now();
      this.reason = signal.error;
    });
  }

  async wait_for_begin() {
    const early = await Promise.race([this.begun, this.outcome]);
    if (early && early.failed) throw early.failed;
  }

  state() {
    const { aborted, aborted_ms, reason } = this;
    return { aborted, aborted_ms, reason: reason ? explain(reason) : null, now: Date.now() };
  }
}

function routine_verbs(handles, start) {
  return {
    using: async (args) => {
      const routine = new Routine((work) => start(args, work));
      await routine.wait_for_begin();
      return { handle: handles.keep(routine) };
    },
    using_state: ({ handle }) => handles.get(handle).state(),
    using_end: async ({ handle, throw: text }) => {
      const routine = handles.get(handle);
      const told = Date.now();
      if (text === undefined) routine.end.resolve();
      else routine.end.reject(new Error(text));
      const { failed } = await routine.outcome;
      const took = Date.now() - told;
      return { ...routine.state(), took, failed: failed ? explain(failed) : null };
    },
  };
}

module.exports = { routine_verbs };
