import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { accessCodec, accessFamily, accessSchemas } from '../../src/audit/access.codec.js';
import { calendarCodec, calendarFamily, calendarSchemas } from '../../src/calendar/calendar.codec.js';
import { feedCodec, feedFamily, feedSchemas } from '../../src/sync/feed.codec.js';
import { zonesCodec, zonesFamily, zonesSchemas } from '../../src/merged-events/zone-change.codec.js';
import { connectionCodec, connectionFamily, connectionSchemas } from '../../src/connection/connection.codec.js';
import { logCodec, logSchemas } from '../../src/infra/postgres/log-name.postgres.js';
import { type Message } from '../../src/kernel/decider.js';
import { type Codec, type EventFamily } from '../../src/kernel/event-store.js';
import { preferenceCodec, preferenceFamily, preferenceSchemas } from '../../src/preference/preference.codec.js';

const FOLDER = fileURLToPath(new URL('../../eventstore/schemas', import.meta.url));

type Family = Readonly<{
  category: string;
  schemas: Readonly<Record<string, z.ZodType>>;
  repeat: (type: string, data: unknown) => Readonly<{ type: string; data: unknown }>;
}>;

const family = <E extends Message>(
  { category }: Pick<EventFamily<E>, 'category'>,
  schemas: Readonly<Record<string, z.ZodType>>,
  codec: Codec<E>,
): Family => ({
  category,
  schemas,
  repeat: (type, data) => codec.encode(codec.decode(type, data)),
});

const FAMILIES = [
  family(connectionFamily, connectionSchemas, connectionCodec),
  family(calendarFamily, calendarSchemas, calendarCodec),
  family(feedFamily, feedSchemas, feedCodec),
  family(preferenceFamily, preferenceSchemas, preferenceCodec),
  family(zonesFamily, zonesSchemas, zonesCodec),
  family(accessFamily, accessSchemas, accessCodec),
  family({ category: 'log' }, logSchemas, logCodec),
];
const EVENTS = FAMILIES.flatMap(({ category, schemas, repeat }) =>
  Object.entries(schemas).map(([type, schema]) => ({ category, type, schema, repeat })),
);

const read = (category: string, file: string): unknown => JSON.parse(readFileSync(join(FOLDER, category, file), 'utf8'));

/** As scripts/schemas.mjs writes it: without zod's own reading of a format. */
const jsonSchemaOf = (schema: z.ZodType): unknown =>
  JSON.parse(
    JSON.stringify(
      z.toJSONSchema(schema, {
        override: ({ jsonSchema }) => {
          if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
        },
      }),
    ),
  );

const committed = (suffix: string): readonly Readonly<{ category: string; file: string; type: string }>[] =>
  readdirSync(FOLDER).flatMap((category) =>
    readdirSync(join(FOLDER, category))
      .filter((file) => file.endsWith(suffix))
      .map((file) => ({ category, file, type: basename(file, suffix) })),
  );

/** Names of all fields anywhere in a JSON Schema. */
const fieldsOf = (schema: unknown): readonly string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const properties: unknown = 'properties' in schema ? schema.properties : null;
  const own = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  return [...own, ...Object.values(schema).flatMap(fieldsOf)];
};

const nameOf = (type: string): string => type.slice(0, type.lastIndexOf('.'));
const versionOf = (type: string): number => Number(type.slice(type.lastIndexOf('.v') + 2));

const PERSONAL =
  /title|name|mail|location|place|description|summary|notes?$|attendee|organi[sz]er|person|phone|address|url|href|uid$|remote|etag|password|secret|token|cursor/i;

describe('A stored event', () => {
  it.each(EVENTS)('$category/$type has a schema and a sample', ({ category, type }) => {
    for (const file of [`${type}.json`, `${type}.sample.json`]) expect(existsSync(join(FOLDER, category, file))).toBe(true);
  });

  it.each(EVENTS)('$category/$type is what its schema was when it was first stored: a change takes a new version', (event) => {
    expect(jsonSchemaOf(event.schema)).toEqual(read(event.category, `${event.type}.json`));
  });

  it.each(committed('.sample.json'))('$category/$type stays readable, and is written as it was or as its newest version', (stored) => {
    const sample = read(stored.category, stored.file);
    const known = EVENTS.filter(({ category, type }) => category === stored.category && nameOf(type) === nameOf(stored.type));
    const newest = known.reduce((one, other) => (versionOf(other.type) > versionOf(one.type) ? other : one));
    const written = newest.repeat(stored.type, sample);
    expect(written.type).toBe(newest.type);
    expect(newest.schema.parse(written.data)).toEqual(stored.type === newest.type ? sample : written.data);
  });

  it.each(committed('.json').filter(({ file }) => !file.endsWith('.sample.json')))(
    '$category/$type has no field for anything personal in clear',
    ({ category, file }) => {
      const fields = fieldsOf(read(category, file));
      expect(fields.length).toBeGreaterThan(0);
      expect(fields.filter((field) => PERSONAL.test(field))).toEqual([]);
    },
  );
});
