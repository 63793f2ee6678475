const { default: JestRuntime } = require('jest-runtime');
const hooks = require('node:async_hooks');
const { register } = require('node:module');
const { pathToFileURL } = require('node:url');
const { mapFileOf } = require('./compiled.cjs');

register('./hooks.mjs', pathToFileURL(__filename));

/** Where `globals.mjs` finds what the suite that runs now imports from `@jest/globals`. */
const GLOBALS = Symbol.for('suite-globals');

/** Where jest-circus keeps its listeners and its tests, one of the latter for each time that it is loaded. */
const isOfCircus = (symbol) => symbol === Symbol.for('EVENT_HANDLERS') || symbol.description === 'JEST_STATE_SYMBOL';

/**
 * What jest-circus knows the test or the hook by that an error belongs to. Its own is an `AsyncLocalStorage`, for tests that run at the same time: of each
 * suite, never ended, and asked at each promise of all later ones. Here one test runs after the other.
 */
class OneAtATime {
  getStore() {
    return this.store;
  }

  async run(store, work) {
    const before = this.store;
    this.store = store;
    try {
      return await work();
    } finally {
      this.store = before;
    }
  }
}

const withOneAtATime = (load) => {
  const { AsyncLocalStorage } = hooks;
  hooks.AsyncLocalStorage = OneAtATime;
  try {
    return load();
  } finally {
    hooks.AsyncLocalStorage = AsyncLocalStorage;
  }
};

/** Loads suites as Node loads any module, once for all suites of a worker, instead of in a context of each suite. */
class BareRuntime extends JestRuntime {
  /** jest-circus itself, which keeps one suite's tests: loaded again for each. */
  requireInternalModule(path) {
    for (const symbol of Object.getOwnPropertySymbols(globalThis)) if (isOfCircus(symbol)) delete globalThis[symbol];
    delete require.cache[path];
    return withOneAtATime(() => require(path));
  }

  setGlobalsForRuntime(globals) {
    globalThis[GLOBALS] = globals;
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  unstable_importModule(path) {
    return import(pathToFileURL(path));
  }

  /** For lines of the source in what failed; Jest looks maps up by the name in the stack. */
  getSourceMaps() {
    return { get: mapFileOf, [Symbol.iterator]: () => [].values() };
  }
}

module.exports = { __esModule: true, default: BareRuntime };
