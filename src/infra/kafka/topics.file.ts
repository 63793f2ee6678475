import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Topic, topicsOf } from './topics-list.js';

const NAME = 'kafka/topics.yaml';

/** Beside the package, which is two or three folders up, as this is built alone or into a program. */
const besidePackage = (): URL => {
  const found = ['../../', '../../../'].map((up) => new URL(`${up}${NAME}`, import.meta.url)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${NAME} is missing`);
  return found;
};

/** The topics of the service, as kafka/topics.yaml lists them. Throws an error that says what is wrong with the file. */
export const readTopics = (): readonly Topic[] => topicsOf(parse(readFileSync(besidePackage(), 'utf8')));
