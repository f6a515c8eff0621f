// SPDX-License-Identifier: BSL-1.0
//
// What it is: the verbs of redlock 5.
//   acquire {resources, duration, settings}   -> handle, resources, value, expiration, attempts,
//                                                stats
//   extend {handle, duration, settings}       -> the same for the new lock, and `replaced`: the old
//   release {handle, settings}                -> attempts, stats
//   adopt {resources, value, duration}        -> a handle to a lock that somebody else took
//   show {handle}                             -> the lock as it is now
//   using {resources, duration, settings}, using_state, using_end: see routine.js
//   quit
// `attempts` is a number. `stats` has, for each attempt, what the nodes said so far.
'use strict';

const packages = require('./modules');
const { count_verb, sleep } = require('./count');
const { Handles } = require('./handles');
const { routine_verbs } = require('./routine');

const { default: Redlock, Lock } = packages('redlock5');

// A promise of the package's may never settle: one node that says nothing is enough.
function as_far_as_known(promise) {
  return Promise.race([promise, sleep(0).then(() => null)]);
}

async function describe_attempts(attempts) {
  const stats = await Promise.all(attempts.map(as_far_as_known));
  return {
    attempts: attempts.length,
    stats: stats.map((known) => known && {
      for: known.votesFor.size,
      against: [...known.votesAgainst.values()].map((error) => `${error.name}: ${error.message}`),
    }),
  };
}

function describe(lock) {
  const { resources, value, expiration } = lock;
  return { resources, value, expiration, attempts: lock.attempts.length, now: Date.now() };
}

// Makes every node know the scripts. One that does not answers a hash with NOSCRIPT, and the package
// sends it the text then; if the other nodes have refused meanwhile, its release may overtake that
// text, and what it grants stays there until its ttl.
async function load_scripts(redlock) {
  const lock = await redlock.acquire([`scripts of ${process.pid}`], 5000);
  await Promise.all(lock.attempts);
  const { attempts } = await redlock.release(lock);
  await Promise.all(attempts);
}

// Takes for the counter. Each time anew, since a retry within the package stumbles over the keys
// that its own first attempt left behind on a minority of the nodes.
async function take(redlock, { name, ttl = 5000, retryDelay = 20 }) {
  for (;;) {
    try {
      const lock = await redlock.acquire([name], ttl, { retryCount: 0 });
      return () => redlock.release(lock, { retryCount: 0 }).then(() => true, () => false);
    } catch (error) {
      if (error.name !== 'ExecutionError') throw error;
      await sleep(retryDelay * 2 * Math.random());
    }
  }
}

function using(redlock, { resources, duration, settings }, work) {
  return settings ? redlock.using(resources, duration, settings, work)
    : redlock.using(resources, duration, work);
}

module.exports = (clients) => {
  const handles = new Handles();
  let redlock = new Redlock(clients);
  const count = count_verb((args) => take(redlock, args));

  return {
    configure: (settings) => { redlock = new Redlock(clients, settings); },
    acquire: async ({ resources, duration, settings }) => {
      const lock = await redlock.acquire(resources, duration, settings);
      return {
        handle: handles.keep(lock), ...describe(lock), ...await describe_attempts(lock.attempts),
      };
    },
    extend: async ({ handle, duration, settings }) => {
      const old = handles.get(handle);
      const lock = await redlock.extend(old, duration, settings);
      return { handle: handles.keep(lock), ...describe(lock), replaced: describe(old) };
    },
    release: async ({ handle, settings }) => (
      describe_attempts((await redlock.release(handles.get(handle), settings)).attempts)),
    adopt: ({ resources, value, duration }) => {
      const lock = new Lock(redlock, resources, value, [], Date.now() + duration);
      return { handle: handles.keep(lock), ...describe(lock) };
    },
    show: ({ handle }) => describe(handles.get(handle)),
    ...routine_verbs(handles, (args, work) => using(redlock, args, work)),
    quit: async () => { await redlock.quit(); },
    count: async (args) => {
      await load_scripts(redlock);
      return count(args);
    },
  };
};
