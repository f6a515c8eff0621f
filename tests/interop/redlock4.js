// SPDX-License-Identifier: BSL-1.0
//
// What it is: the verbs of redlock 4.
//   lock {resource, ttl, options}   -> handle, resource, value, expiration, attempts, ...
//   extend {handle, ttl}            -> the same
//   unlock {handle}
//   adopt {resource, value, ttl}    -> a handle to a lock that somebody else took
//   show {handle}                   -> the lock as it is now
//   using {resource, ttl}, using_state, using_end: by the disposer; see routine.js
//   quit
// `acquire` and `release` are the package's other names for `lock` and `unlock`.
'use strict';

const packages = require('./modules');
const { count_verb } = require('./count');
const { Handles } = require('./handles');
const { routine_verbs } = require('./routine');

const Redlock = packages('redlock4');
const Bluebird = packages('bluebird');

function describe(lock) {
  const { resource, value, expiration, attempts, attemptsRemaining } = lock;
  return { resource, value, expiration, attempts, attemptsRemaining, now: Date.now() };
}

// Takes for the counter: the delay is short, since the file is held for a moment only.
async function take(redlock, { name, ttl = 5000, retryDelay = 20 }) {
  const lock = await redlock.lockWithOptions(name, ttl, { retryCount: -1, retryDelay });
  return () => lock.unlock().then(() => true, () => false);
}

module.exports = (clients) => {
  const handles = new Handles();
  let redlock = new Redlock(clients);

  const lock = async ({ resource, ttl, options }) => {
    const got = await (options
      ? redlock.lockWithOptions(resource, ttl, options) : redlock.lock(resource, ttl));
    return { handle: handles.keep(got), ...describe(got) };
  };
  const unlock = async ({ handle }) => { await handles.get(handle).unlock(); };
  const adopt = ({ resource, value, ttl }) => {
    const names = [].concat(resource);
    const got = new Redlock.Lock(redlock, names, value, Date.now() + ttl, 1, 0);
    return { handle: handles.keep(got), ...describe(got) };
  };

  return {
    configure: (options) => { redlock = new Redlock(clients, options); },
    lock,
    acquire: lock,
    extend: async ({ handle, ttl }) => describe(await handles.get(handle).extend(ttl)),
    unlock,
    release: unlock,
    adopt,
    show: ({ handle }) => describe(handles.get(handle)),
    ...routine_verbs(handles, ({ resource, ttl }, work) => (
      Bluebird.using(redlock.disposer(resource, ttl), work))),
    quit: async () => { await redlock.quit(); },
    count: count_verb((args) => take(redlock, args)),
  };
};
