// SPDX-License-Identifier: BSL-1.0
//
// The question: how many locks a second can callers of the Node packages acquire and release, each
// on a name of its own, so many at once, on one server? Prints a JSON object for each package.
//
//     node peers.js MODULES URL AT_ONCE SECONDS PACKAGE...
//
// MODULES is the directory node_modules with the packages. One operation is an acquire and a
// release. A package works for a third of the time before it is measured, as it is compiled while
// it runs.
'use strict';

const { createRequire } = require('module');
const path = require('path');

const [modules, url, at_once, seconds, ...wanted] = process.argv.slice(2);
const packages = createRequire(path.join(path.resolve(modules), 'peers.js'));
const ttl_ms = 30000;

// The packages make their ids in a way that Node advises against, which is not our business.
process.noDeprecation = true;

// @return What `start` calls back with.
function called(start) {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

function redis_client() {
  const client = packages('redis').createClient(url);
  return { client, quit: () => client.quit() };
}

function ioredis_client() {
  const client = new (packages('ioredis'))(url);
  return { client, quit: () => client.disconnect() };
}

// Each: the connection, and a function that acquires a name and returns one that releases it.
const peers = {
  warlock() {
    const { client, quit } = redis_client();
    const locks = packages('node-redis-warlock')(client);
    const acquire = async (name) => {
      const unlock = await called((back) => locks.lock(name, ttl_ms, back));
      return () => called((back) => unlock(back));
    };
    return { acquire, quit };
  },
  'dist-lock': () => {
    const { client, quit } = redis_client();
    const locks = packages('dist-lock')(client, { ttl: ttl_ms });
    const acquire = async (name) => {
      const lock = await called((back) => locks.acquire(name, back));
      return () => called((back) => lock.release(back));
    };
    return { acquire, quit };
  },
  redlock4() {
    const { client, quit } = redis_client();
    const locks = new (packages('redlock4'))([client]);
    const acquire = async (name) => {
      const lock = await locks.lock(name, ttl_ms);
      return () => lock.unlock();
    };
    return { acquire, quit };
  },
  redlock5() {
    const { client, quit } = ioredis_client();
    const locks = new (packages('redlock5').default)([client]);
    const acquire = async (name) => {
      const lock = await locks.acquire([name], ttl_ms);
      return () => lock.release();
    };
    return { acquire, quit };
  },
};

// @return How many operations `count` callers made in so many ms, and how long that took.
async function work(acquire, count, ms) {
  const begin = process.hrtime.bigint();
  const until = begin + BigInt(Math.round(ms * 1e6));
  let operations = 0;
  const caller = async (number) => {
    while (process.hrtime.bigint() < until) {
      const release = await acquire(`peer${number}`);
      await release();
      operations += 1;
    }
  };
  await Promise.all(Array.from({ length: count }, (_, number) => caller(number)));
  return { operations, seconds: Number(process.hrtime.bigint() - begin) / 1e9 };
}

async function measure(who) {
  const { acquire, quit } = peers[who]();
  const count = Number(at_once);
  await work(acquire, count, 1000 * Number(seconds) / 3);
  const done = await work(acquire, count, 1000 * Number(seconds));
  quit();
  return { who, at_once: count, ops_per_s: Math.round(done.operations / done.seconds) };
}

async function main() {
  for (const who of wanted) {
    let line;
    try {
      line = await measure(who);
    } catch (error) {
      line = { who, skipped: error.message.split('\n')[0] };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  process.exit(0);
}

main();
