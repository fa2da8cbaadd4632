// In place of `node:test`: runs the bodies of `describe`, none of tests or hooks, and prints the titles as JSON.

const path = [];
const titles = [];

const skipped = (options) => Boolean(options?.skip || options?.todo);

export function describe(name, ...rest) {
  const body = rest.find((one) => typeof one === 'function');
  if (skipped(rest.find((one) => typeof one === 'object'))) return;
  path.push(name);
  body?.();
  path.pop();
}

export function it(name, ...rest) {
  if (!skipped(rest.find((one) => typeof one === 'object'))) titles.push([...path, name]);
}

describe.skip = () => {};
describe.only = describe;
it.skip = () => {};
it.todo = () => {};
it.only = it;
export const test = it;
export const suite = describe;
export const before = () => {};
export const after = () => {};
export const beforeEach = () => {};
export const afterEach = () => {};
export const mock = {};
export default it;

process.on('exit', () => process.stdout.write(JSON.stringify(titles)));
