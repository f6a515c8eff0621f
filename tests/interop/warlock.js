// SPDX-License-Identifier: BSL-1.0
//
// What it is: the verbs of warlock 1.
//   lock {key, ttl}                           -> got, id, and a handle if got; the package hands
//                                                out an id even to those who did not get the lock
//   optimistic {key, ttl, maxAttempts, wait}  -> handle; the package does not tell the id
//   unlock {handle} or {key, id}              -> result
//   touch {key, id, ttl}                      -> result
//   makeKey {key}                             -> key
// `result` is what the callback got; null stands for undefined.
// configure {prefix, suffix} replaces the key function by prefix + key + suffix.
'use strict';

const packages = require('./modules');
const { count_verb } = require('./count');
const { Handles } = require('./handles');

const Warlock = packages('node-redis-warlock');

// The package makes its ids in a way that Node advises against, which is not the test's business.
process.noDeprecation = true;

// Calls `start` with a callback that promises what it gets, the error apart.
function called(start) {
  return new Promise((resolve, reject) => {
    start((error, ...results) => (error ? reject(error) : resolve(results)));
  });
}

async function result_of(start) {
  const [result] = await called(start);
  return { result: result === undefined ? null : result };
}

// Takes for the counter.
async function take(warlock, { name, ttl = 5000, retryDelay = 20 }) {
  const [unlock] = await called((back) => (
    warlock.optimistic(name, ttl, Infinity, retryDelay, back)));
  return async () => (await result_of((back) => unlock(back))).result === 1;
}

module.exports = ([client]) => {
  const handles = new Handles();
  const warlock = Warlock(client);

  return {
    configure: ({ prefix = '', suffix = '' }) => {
      warlock.makeKey = (key) => `${prefix}${key}${suffix}`;
    },
    lock: async ({ key, ttl }) => {
      const [unlock, id] = await called((back) => warlock.lock(key, ttl, back));
      return typeof unlock === 'function'
        ? { got: true, id, handle: handles.keep(unlock) } : { got: unlock, id };
    },
    optimistic: async ({ key, ttl, maxAttempts, wait }) => {
      const [unlock] = await called((back) => (
        warlock.optimistic(key, ttl, maxAttempts, wait, back)));
      return { handle: handles.keep(unlock) };
    },
    unlock: ({ handle, key, id }) => result_of((back) => (
      handle === undefined ? warlock.unlock(key, id, back) : handles.get(handle)(back))),
    touch: ({ key, id, ttl }) => result_of((back) => warlock.touch(key, id, ttl, back)),
    makeKey: ({ key }) => ({ key: warlock.makeKey(key) }),
    count: count_verb((args) => take(warlock, args)),
  };
};
