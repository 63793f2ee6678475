// What suites import from `@jest/globals`: loaded once, it hands on to what Jest has made for the suite that runs now.
const now = (name) => globalThis[Symbol.for('suite-globals')][name];

const handOn = (name) =>
  new Proxy(() => undefined, {
    apply: (_, self, given) => Reflect.apply(now(name), self, given),
    get: (_, key) => now(name)[key],
  });

export const afterAll = handOn('afterAll');
export const afterEach = handOn('afterEach');
export const beforeAll = handOn('beforeAll');
export const beforeEach = handOn('beforeEach');
export const describe = handOn('describe');
export const expect = handOn('expect');
export const it = handOn('it');
