// The requirements and the tests that show them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { missing, rows, upToDate } from '../support/rows.js';

it('every row of the requirements is shown by a browser test in both languages, and the handbook’s table says which', { timeout: 120_000 }, async () => {
  const found = await rows();
  assert.ok(found.known.length >= 40, 'the rows are read');
  assert.deepEqual(missing(found), []);
  assert.ok(await upToDate(found), 'docs/src/reference/requirements.md is out of date: run tests/rows');
});
