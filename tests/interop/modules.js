// SPDX-License-Identifier: BSL-1.0
//
// What it is: require() for the packages under test, which are installed outside the source tree.
'use strict';

const { createRequire } = require('module');
const path = require('path');

const place = process.env.HOLDFAST_INTEROP_MODULES;

// The file need not exist: only its directory says where to look.
module.exports = place ? createRequire(path.join(path.resolve(place), 'peer.js')) : require;
