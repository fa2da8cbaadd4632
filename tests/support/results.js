// A reporter for node:test that adds up one file's results as a JSON line, for `tests/run` to sum.

export default async function* results(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') {
      // a suite fails by its tests; on its own only when its own set-up failed
      if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') counts.failed += 1;
      continue;
    }
    if (data.skip !== undefined && data.skip !== false || data.todo !== undefined && data.todo !== false) counts.skipped += 1;
    else if (type === 'test:pass') counts.passed += 1;
    else if (data.details?.error?.failureType !== 'subtestsFailed') counts.failed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}
