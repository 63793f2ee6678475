import { z } from 'zod';
import { type Message } from '../kernel/broker.js';
import { EVENT_HEADERS } from '../relay/told.js';
import {
  DirectoryMember,
  DirectoryResource,
  DIRECTORY_KEY,
  MEMBER_TYPE,
  MemberData,
  RESOURCE_TYPE,
  ResourceData,
} from './directory.contract.js';

/** A line of a file: what a message of the topic tells as its data, or the key of what is taken out. Unlike in messages, unknown members are mistakes. */
const Line = z.union([
  z.strictObject(MemberData.shape),
  z.strictObject(ResourceData.shape),
  z.strictObject({ removed: z.string().regex(DIRECTORY_KEY, { error: 'must be member:<user id> or resource:<resource id>' }) }),
]);
type Line = z.output<typeof Line>;

/** What a file of lines comes to. `mistakes`: sentences with the number of the line, which quote nothing of it. */
export type Imported = Readonly<{
  members: number;
  resources: number;
  removed: number;
  messages: readonly Message[];
  mistakes: readonly string[];
}>;

/** Where and when the messages say that they come from, and what gives each its id. */
export type Stamp = Readonly<{ at: string; uuid: () => string }>;

const SOURCE = 'juy/calendar/directory-import';

const parsed = (text: string): Line | string => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'is no JSON';
  }
  const line = Line.safeParse(json);
  return line.success ? line.data : 'is no member, no resource and no removal as docs/operations.md describes them';
};

const messageOf = (line: Line, { at, uuid }: Stamp): Message => {
  const id = uuid();
  if ('removed' in line) return { id, key: line.removed, value: null, headers: {} };
  const envelope = { specversion: '1.0', id, source: SOURCE, time: at, datacontenttype: 'application/json' } as const;
  const value =
    'userId' in line
      ? DirectoryMember.parse({ ...envelope, type: MEMBER_TYPE, data: line })
      : DirectoryResource.parse({ ...envelope, type: RESOURCE_TYPE, data: line });
  const key = 'userId' in line ? `member:${line.userId}` : `resource:${line.resourceId}`;
  return { id, key, value: JSON.stringify(value), headers: EVENT_HEADERS };
};

/** Makes messages of a file in which each line is a JSON object; empty lines are left out. Nothing is to be published where there are mistakes. */
export const importOf = (text: string, stamp: Stamp): Imported => {
  const lines = text.split('\n').map((line, index) => ({ number: index + 1, line: line.trim() }));
  const read = lines.filter(({ line }) => line !== '').map(({ number, line }) => ({ number, told: parsed(line) }));
  const told = read.flatMap(({ told: each }) => (typeof each === 'string' ? [] : [each]));
  const count = (member: string): number => told.filter((each) => member in each).length;
  return {
    ...{ members: count('userId'), resources: count('resourceId'), removed: count('removed') },
    messages: told.map((each) => messageOf(each, stamp)),
    mistakes: read.flatMap(({ number, told: each }) => (typeof each === 'string' ? [`line ${number} ${each}`] : [])),
  };
};
