// SPDX-License-Identifier: BSL-1.0
//
// What it is: a process that uses one of the original packages, told what to do by a test.
//
//     node peer.js redlock4|redlock5|warlock|distlock2 ADDRESS...
//
// ADDRESS is the path of a Unix socket, HOST:PORT, or either as a URL; more than one for Redlock.
// HOLDFAST_INTEROP_MODULES names the directory node_modules with the packages.
//
// A request is a line {"n":1,"do":"lock","args":{...}}; the answer to it is one line, either
// {"n":1,"ok":true,...} or {"n":1,"ok":false,"error":"text","name":"LockError",...}. Requests run
// side by side: answers come as they are ready. The verbs are in the file of each package; all have
// `nodes` (which of the nodes were reached at the start), `configure` (options of the original;
// what is held stays held) and `count` (see count.js).
// The process ends when its stdin does; with 3 if a package threw where nobody could catch it.
'use strict';

const readline = require('readline');
const { connect } = require('./connections');
const { explain } = require('./explain');

const packages = {
  redlock4: { adapter: './redlock4', library: 'redis' },
  redlock5: { adapter: './redlock5', library: 'ioredis' },
  warlock: { adapter: './warlock', library: 'redis' },
  distlock2: { adapter: './distlock2', library: 'redis' },
};

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function give_up(error) {
  process.stderr.write(`peer: ${error && error.stack ? error.stack : error}\n`);
  process.exit(3);
}

async function carry_out(verbs, request) {
  if (!Object.hasOwn(verbs, request.do)) {
    throw new Error(`no such verb: ${request.do}; there are: ${Object.keys(verbs).join(' ')}`);
  }
  return verbs[request.do](request.args || {});
}

async function answer(verbs, line) {
  let n = null;
  try {
    const request = JSON.parse(line);
    n = request.n;
    say({ n, ok: true, ...await carry_out(await verbs, request) });
  } catch (error) {
    say({ n, ok: false, ...explain(error) });
  }
}

async function open_verbs(chosen, addresses) {
  const nodes = connect(chosen.library, addresses);
  const reached = await Promise.all(nodes.map((node) => node.reached));
  const verbs = require(chosen.adapter)(nodes.map((node) => node.client));
  return { ...verbs, nodes: () => ({ reached }) };
}

function main([name, ...addresses]) {
  if (!Object.hasOwn(packages, name || '') || addresses.length === 0) {
    process.stderr.write(`usage: peer.js ${Object.keys(packages).join('|')} ADDRESS...\n`);
    process.exit(64);
  }
  process.on('uncaughtException', give_up);
  process.on('unhandledRejection', give_up);
  const verbs = open_verbs(packages[name], addresses);
  const input = readline.createInterface({ input: process.stdin });
  input.on('line', (line) => answer(verbs, line));
  input.on('close', () => process.exit(0));
}

main(process.argv.slice(2));
