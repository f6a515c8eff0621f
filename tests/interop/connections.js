// SPDX-License-Identifier: BSL-1.0
//
// What it is: one connection a node, by the client library that the package was written for.
// A node that is down answers every command with an error at once instead of keeping it for later,
// so that it is the package that decides what to do about it.
'use strict';

const packages = require('./modules');

const reconnect_ms = 100;
const reach_ms = 2000;

function place_of(address) {
  const bare = address.replace(/^(redis\+)?unix:(\/\/)?/, '').replace(/^redis:\/\//, '');
  if (bare.startsWith('/')) return { path: bare };
  const colon = bare.lastIndexOf(':');
  return { host: bare.slice(0, colon), port: Number(bare.slice(colon + 1)) };
}

const libraries = {
  redis(place) {
    return packages('redis').createClient({
      ...place, enable_offline_queue: false, retry_strategy: () => reconnect_ms,
    });
  },
  ioredis(place) {
    const Redis = packages('ioredis');
    return new Redis({
      ...place,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => reconnect_ms,
    });
  },
};

// Whether the first attempt to connect came through. A frozen node says neither yes nor no.
function first_attempt(client) {
  return new Promise((resolve) => {
    client.once('ready', () => resolve(true));
    client.once('error', () => resolve(false));
    client.once('reconnecting', () => resolve(false));
    setTimeout(() => resolve(false), reach_ms).unref();
  });
}

function connect(library, addresses) {
  return addresses.map((address) => {
    const client = libraries[library](place_of(address));
    client.on('error', () => {});  // Each command reports it too; unheard, it ends the process.
    return { client, reached: first_attempt(client) };
  });
}

module.exports = { connect };
