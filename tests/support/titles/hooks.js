// Gives test files a `node:test` that only notes what they are called.

export async function resolve(specifier, context, next) {
  if (specifier === 'node:test') return { url: new URL('./recorder.js', import.meta.url).href, shortCircuit: true };
  return next(specifier, context);
}
