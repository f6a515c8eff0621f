// SPDX-License-Identifier: BSL-1.0
//
// What it is: the verbs of dist-lock 2.
//   acquire {name, owner}                  -> got; if so handle, key, id, owner,
//                                             acquiredOnAttempt, acquireDelay
//   getAcquiredLock {name}                 -> got; if so handle, key, id, owner
//   releaseLock {name, id}                 -> result
//   extendLock {name, id, milliseconds}    -> result
//   release {handle}                       -> result, by the lock itself
//   extend {handle, milliseconds}          -> result, by the lock itself
// `result` is what the callback got. Options (ttl, retryDelay, maxRetries, keyPrefix) by configure.
'use strict';

const packages = require('./modules');
const { count_verb } = require('./count');
const { Handles } = require('./handles');

const dist_lock = packages('dist-lock');

// Calls `start` with a callback that promises what it gets.
function called(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

async function result_of(start) {
  return { result: await called(start) };
}

function acquire(locks, name, owner) {
  return called((back) => (
    owner === undefined ? locks.acquire(name, back) : locks.acquire(name, owner, back)));
}

// Takes for the counter; the options must leave maxRetries at -1 or be patient otherwise.
async function take(locks, { name, owner }) {
  for (;;) {
    const lock = await acquire(locks, name, owner);
    if (lock) return () => called((back) => lock.release(back));
  }
}

module.exports = ([client]) => {
  const handles = new Handles();
  let locks = dist_lock(client);

  const describe = (lock) => (lock
    ? { got: true, handle: handles.keep(lock), ...JSON.parse(JSON.stringify(lock)) }
    : { got: false });

  return {
    configure: (options) => { locks = dist_lock(client, options); },
    acquire: async ({ name, owner }) => describe(await acquire(locks, name, owner)),
    getAcquiredLock: async ({ name }) => (
      describe(await called((back) => locks.getAcquiredLock(name, back)))),
    releaseLock: ({ name, id }) => result_of((back) => locks.releaseLock(name, id, back)),
    extendLock: ({ name, id, milliseconds }) => (
      result_of((back) => locks.extendLock(name, id, milliseconds, back))),
    release: ({ handle }) => result_of((back) => handles.get(handle).release(back)),
    extend: ({ handle, milliseconds }) => (
      result_of((back) => handles.get(handle).extend(milliseconds, back))),
    count: count_verb((args) => take(locks, args)),
  };
};
