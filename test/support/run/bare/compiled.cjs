// TypeScript as JavaScript, kept on the disk for the next worker and the next run.
const { transformSync, version } = require('@swc/core');
const { createHash, randomUUID } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { fileURLToPath } = require('node:url');

const FOLDER = join(__dirname, '../../../../node_modules/.cache/suites');

const OPTIONS = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
  sourceMaps: true,
  swcrc: false,
  configFile: false,
};

/** Named after all that it comes from. */
const fileOf = (filename, source) =>
  join(
    FOLDER,
    createHash('sha256')
      .update(JSON.stringify([version, OPTIONS, filename, source]))
      .digest('hex'),
  );

/** Whole or not at all: other workers read it. */
const write = (file, text) => {
  const part = `${file}.${randomUUID()}`;
  writeFileSync(part, text);
  renameSync(part, file);
};

/** The JavaScript of a TypeScript file. */
const compiled = (url) => {
  const filename = fileURLToPath(url);
  const source = readFileSync(filename, 'utf8');
  const file = fileOf(filename, source);
  if (existsSync(`${file}.js`)) return readFileSync(`${file}.js`, 'utf8');
  const { code, map } = transformSync(source, { ...OPTIONS, filename });
  mkdirSync(FOLDER, { recursive: true });
  write(`${file}.map`, map);
  write(`${file}.js`, code);
  return code;
};

/** The source map of a TypeScript file of that address, if there is one. */
const mapFileOf = (url) => {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return undefined;
  const filename = fileURLToPath(url);
  return `${fileOf(filename, readFileSync(filename, 'utf8'))}.map`;
};

module.exports = { compiled, mapFileOf };
