// What somebody outside can tell apart.

import assert from 'node:assert/strict';

/** Takes out of a page what differs from one visit to the next: tokens, nonces, and what the visitor typed. */
export function normalised(answer, typed = []) {
  let text = answer.text;
  for (const one of typed) {
    const escaped = one.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
    text = text.replaceAll(escaped, 'TYPED').replaceAll(one, 'TYPED').replaceAll(encodeURIComponent(one), 'TYPED');
  }
  text = text
    .replace(/(name="csrf"[^>]*value=")[^"]*/g, '$1')
    .replace(/(value=")[^"]*("[^>]*name="csrf")/g, '$1$2')
    .replace(/(flow=|name="(?:flow|step|ticket)"[^>]*value=")[A-Za-z0-9_-]+/g, '$1')
    .replace(/\b[A-Za-z0-9_-]{43}\b/g, 'TOKEN');
  // a cookie may carry what this browser typed
  const hide = (value) => typed.reduce((text, one) => text.replaceAll(Buffer.from(one).toString('base64url'), 'TYPED').replaceAll(encodeURIComponent(one), 'TYPED'), value);
  const headers = Object.entries(answer.headers)
    .filter(([name]) => !['date', 'content-length', 'etag', 'x-request-id', 'age'].includes(name))
    .map(([name, value]) => [name, hide(String(value)).replace(/[A-Za-z0-9_-]{43}/g, 'TOKEN').replace(/flow=[A-Za-z0-9_-]+/g, 'flow=')])
    .sort();
  return { status: answer.status, headers, text };
}

/** Asserts that all these trails of answers look the same. */
export function sameForOutsiders(trails, typed = []) {
  const [[firstName, first], ...rest] = Object.entries(trails);
  const reference = first.map((answer) => normalised(answer, typed));
  for (const [name, trail] of rest) {
    const other = trail.map((answer) => normalised(answer, typed));
    assert.deepEqual(other, reference, `“${name}” looks other than “${firstName}”`);
  }
}
