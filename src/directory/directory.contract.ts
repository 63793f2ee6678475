import { z } from 'zod';
import { USER_ID } from '../kernel/actor.js';
import { type Delivered } from '../kernel/broker.js';
import { instant } from '../kernel/clock.js';
import { Poison } from '../kernel/poison.js';
import { type DirectoryChange, holdsFrom } from './directory-change.js';

/** The topic by which the platform's directory tells who is in which team, and which rooms and resources there are. Compacted. */
export const DIRECTORY_TOPIC = 'juy.directory.teams.v1';

const id = z.string().regex(USER_ID, { error: 'must be 1 to 128 letters, digits or . _ : @ | -' });
const teams = z.array(id).max(1_000).meta({ description: 'Ids of teams; all of them, every time.' });

export const MemberData = z.object({ userId: id, teams });

export const ResourceData = z.object({
  resourceId: id.meta({ description: 'What availability is asked for by, beside the ids of people; no person may have the same.' }),
  kind: z.enum(['room', 'equipment']),
  name: z.string().min(1).max(200).meta({ description: 'Names the resource; never a person.' }),
  capacity: z.int().min(1).max(100_000).optional().meta({ description: 'People it has room for.' }),
  timeZone: z.string().min(1).max(100).optional().meta({ description: 'An IANA name.' }),
  teams,
});

/** Attributes that are not named here may be added (CloudEvents 1.0, 3.1). */
const cloudEvent = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  z.looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(200),
    source: z.string().min(1).max(500),
    type: z.literal(type),
    time: z.iso.datetime({ offset: true }).meta({ description: 'When it was so; of two messages with one key the later one holds.' }),
    data,
  });

export const MEMBER_TYPE = 'juy.directory.member.v1';
export const RESOURCE_TYPE = 'juy.directory.resource.v1';

/** A member of teams; key `member:<user id>`. */
export const DirectoryMember = cloudEvent(MEMBER_TYPE, MemberData);
/** A room or a piece of equipment; key `resource:<resource id>`. */
export const DirectoryResource = cloudEvent(RESOURCE_TYPE, ResourceData);

const Told = z.discriminatedUnion('type', [DirectoryMember, DirectoryResource]);
const AnyEvent = z.looseObject({ specversion: z.literal('1.0'), type: z.string() });

/** `member:<user id>` or `resource:<resource id>`. */
export const DIRECTORY_KEY = /^(member|resource):([A-Za-z0-9._:@|-]{1,128})$/;

const removalOf = ({ key, at }: Delivered): DirectoryChange => {
  const [, of, named] = DIRECTORY_KEY.exec(key ?? '') ?? [];
  if (named === undefined) throw new Poison('directory.key-malformed');
  return { of: of === 'member' ? 'removed member' : 'removed resource', id: named, at };
};

const changeOf = (told: z.output<typeof Told>, at: string): DirectoryChange => {
  if (told.type === MEMBER_TYPE) return { of: 'member', id: told.data.userId, teams: told.data.teams, at };
  const { resourceId, capacity = null, timeZone = null, kind, name, teams: of } = told.data;
  return { of: 'resource', id: resourceId, resource: { kind, name, capacity, timeZone, teams: of }, at };
};

const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Poison('directory.malformed');
  }
};

/**
 * What a message of the topic says, with the id by which a repetition of it is known: the event's source and id, or of a tombstone its place in the topic.
 * Null for a type that this version does not know, because types may be added. Throws `Poison` when it is not what the contract describes.
 */
export const readDirectoryMessage = (message: Delivered): Readonly<{ id: string; change: DirectoryChange }> | null => {
  if (message.value === null) return { id: `${message.topic}/${message.partition}/${message.offset}`, change: removalOf(message) };
  const json = jsonOf(message.value);
  const { success, data } = Told.safeParse(json);
  if (!success) {
    const any = AnyEvent.safeParse(json);
    if (any.success && any.data.type !== MEMBER_TYPE && any.data.type !== RESOURCE_TYPE) return null;
    throw new Poison('directory.malformed');
  }
  const change = changeOf(data, instant(holdsFrom(Date.parse(data.time), Date.parse(message.at))));
  if (message.key !== `${change.of}:${change.id}`) throw new Poison('directory.key-differs');
  return { id: `${data.source} ${data.id}`, change };
};
