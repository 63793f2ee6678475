// How a worker's imports are found and loaded (https://nodejs.org/docs/latest-v20.x/api/module.html#customization-hooks).
import { existsSync } from 'node:fs';
import { compiled } from './compiled.cjs';

const GLOBALS = new URL('globals.mjs', import.meta.url).href;

/** TypeScript imports a file by the name that its JavaScript will have. */
const typed = (specifier, parent) => {
  if (!specifier.startsWith('.') || !specifier.endsWith('.js') || !parent?.endsWith('.ts')) return null;
  const url = new URL(`${specifier.slice(0, -'.js'.length)}.ts`, parent);
  return existsSync(url) ? url.href : null;
};

export const resolve = (specifier, context, next) => {
  const url = specifier === '@jest/globals' ? GLOBALS : typed(specifier, context.parentURL);
  return url === null ? next(specifier, context) : { url, shortCircuit: true };
};

export const load = (url, context, next) =>
  url.endsWith('.ts') ? { format: 'module', source: compiled(url), shortCircuit: true } : next(url, context);
