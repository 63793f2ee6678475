// Writes the JSON Schema of every stored event that has none yet, and the contract of every topic, from the built code: npm run build first.
// The schema of a stored event is never changed: stored events stay readable, so another shape takes a new version beside the old one. The contract of a
// topic may grow: members that may be missing and types of messages are added; anything else takes a new topic.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'oxfmt';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));
const { connectionSchemas } = await import('../dist/connection/connection.codec.js');
const { calendarSchemas } = await import('../dist/calendar/calendar.codec.js');
const { feedSchemas } = await import('../dist/sync/feed.codec.js');
const { zonesSchemas } = await import('../dist/merged-events/zone-change.codec.js');
const { accessSchemas } = await import('../dist/audit/access.codec.js');
const { preferenceSchemas } = await import('../dist/preference/preference.codec.js');
const { DIRECTORY_TOPICS } = await import('../dist/directory/topics.contract.js');
const { RELAY_TOPICS } = await import('../dist/relay/topics.contract.js');
const { publishedSchema } = await import('../dist/relay/published-schema.contract.js');
const { breaksOf } = await import('../dist/relay/compatibility.js');
const { logSchemas } = await import('../dist/infra/postgres/log-name.postgres.js');

// A format says it; the pattern zod adds is its own reading of it, and changes with its versions.
const withoutPattern = ({ jsonSchema }) => {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
};

const written = async (file, schema) => (await format(file, JSON.stringify(schema), { printWidth: 140 })).code;

const refused = [];
const families = {
  connection: connectionSchemas,
  calendar: calendarSchemas,
  feed: feedSchemas,
  preference: preferenceSchemas,
  zones: zonesSchemas,
  access: accessSchemas,
  log: logSchemas,
};
for (const [category, schemas] of Object.entries(families)) {
  const folder = join(root, 'eventstore/schemas', category);
  mkdirSync(folder, { recursive: true });
  for (const [type, schema] of Object.entries(schemas)) {
    const file = join(folder, `${type}.json`);
    const text = await written(file, z.toJSONSchema(schema, { override: withoutPattern }));
    if (!existsSync(file)) {
      writeFileSync(file, text);
      process.stdout.write(`${category}/${type}.json written; put a sample beside it: ${type}.sample.json\n`);
    } else if (JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) !== JSON.stringify(JSON.parse(text))) {
      refused.push(`${category}/${type}`);
    }
  }
}

for (const contract of [...RELAY_TOPICS, ...DIRECTORY_TOPICS]) {
  const file = join(root, 'kafka/contracts', `${contract.topic}.json`);
  mkdirSync(join(root, 'kafka/contracts'), { recursive: true });
  const schema = publishedSchema(contract);
  const breaks = existsSync(file) ? breaksOf(JSON.parse(readFileSync(file, 'utf8')), schema) : [];
  if (breaks.length > 0) refused.push(`${contract.topic} (${breaks.join(', ')})`);
  else writeFileSync(file, await written(file, schema));
}
if (refused.length > 0) {
  process.stderr.write(`Stored or published already, and not to be changed so; make a new version: ${refused.join(', ')}\n`);
  process.exit(1);
}
