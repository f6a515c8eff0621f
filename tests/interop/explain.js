// SPDX-License-Identifier: BSL-1.0
//
// What it is: an error as it goes into an answer: its text, its class, and what the package added.
'use strict';

function explain(error) {
  if (!(error instanceof Error)) return { error: String(error), name: typeof error };
  const fields = {};
  for (const [key, value] of Object.entries(error)) {
    const plain = ['string', 'number', 'boolean'].includes(typeof value);
    if (plain && key !== 'message') fields[key] = value;
  }
  if (Array.isArray(error.attempts)) fields.attempts = error.attempts.length;
  return { ...fields, error: error.message, name: error.name };
}

module.exports = { explain };
