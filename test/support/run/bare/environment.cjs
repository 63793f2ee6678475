const { ModuleMocker } = require('jest-mock');

/**
 * What a suite finds around it: the worker itself, in which the suites before it have left their modules loaded. Jest's own environment gives each suite
 * a context of its own (`node:vm`), which loads all of them again.
 */
module.exports = class BareEnvironment {
  constructor({ projectConfig }) {
    const { console, process } = globalThis;
    const { exit } = process;
    this.global = globalThis;
    // No suite replaces modules, but Jest asks for one.
    this.moduleMocker = new ModuleMocker(globalThis);
    Object.assign(globalThis, projectConfig.globals);
    // Jest puts its own in their place for each suite.
    this.putBack = () => {
      process.exit = exit;
      globalThis.console = console;
      for (const name of Object.keys(projectConfig.globals)) delete globalThis[name];
    };
  }

  setup() {
    return Promise.resolve();
  }

  teardown() {
    this.putBack();
    return Promise.resolve();
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return null;
  }
};
