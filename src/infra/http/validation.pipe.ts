import { StandardSchemaValidationPipe } from '@nestjs/common';
import { InvalidRequest, type Mistake } from './invalid-request.js';

type Issue = Readonly<{
  message: string;
  path?: readonly (PropertyKey | Readonly<{ key: PropertyKey }>)[] | undefined;
  keys?: readonly string[];
}>;

const SHOWN = 50;

/** A property's name comes from the sender too, and may hold anything; only one that looks like a name is repeated. */
const named = (key: unknown): string => (/^[\w-]{1,64}$/.test(String(key)) ? String(key) : '?');

const mistakes = ({ message, path = [], keys = [] }: Issue): readonly Mistake[] => {
  const segments = path.map((segment) => named(typeof segment === 'object' ? segment.key : segment));
  if (keys.length === 0) return [{ path: segments.join('.'), message }];
  return keys.map((key) => ({ path: [...segments, named(key)].join('.'), message: 'is not known here' }));
};

/** Validates every parameter that has a schema (`@Body({ schema })`), and hands on what the schema made of it. */
export const validationPipe = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => new InvalidRequest(issues.flatMap(mistakes).slice(0, SHOWN)),
  });
