// Writes src/time/zone-rules.ts from the installed moment-timezone: how to take in a newer one is in docs/operations.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { OTHER_NAMES } from './zones.links.mjs';
import { packZones } from './zones.packed.mjs';

const require = createRequire(import.meta.url);
const source = require('moment-timezone/data/packed/latest.json');
const { version: packageVersion } = require('moment-timezone/package.json');

/** The day on which the package brought this version of the database, as its change log has it. */
const releasedOn = (version) => {
  const log = readFileSync(require.resolve('moment-timezone/changelog.md'), 'utf8');
  const entries = log.split(/^### /m).filter((entry) => entry.includes(`IANA TZDB \`${version}\``));
  const day = /_(\d{4}-\d\d-\d\d)_/.exec(entries.at(-1) ?? '')?.[1];
  if (day === undefined) throw new Error(`moment-timezone's changelog.md does not say when it brought ${version}`);
  return day;
};

/** A link may name another alias than the one the package made a zone of. */
const linkTo = (link) => {
  const [target, alias] = link.split('|');
  const zone = source.links.find((each) => each.endsWith(`|${target}`))?.split('|')[0] ?? target;
  return `${zone}|${alias}`;
};

const packed = packZones(source.zones, [...source.links, ...OTHER_NAMES.map(linkTo)]);

/** Two to a line, so that the file stays as short as any other. */
const lines = packed.flatMap((zone, index) => (index % 2 === 0 ? [packed.slice(index, index + 2).join(';')] : []));

const text = `// Written by \`npm run zones:update\` from moment-timezone ${packageVersion}; not edited by hand.

/** Version of the IANA time zone database that \`ZONES\` holds. */
export const ZONE_RULES_VERSION = '${source.version}';

/** Full-date (UTC) on which the package that brings it was released. */
export const ZONE_RULES_RELEASED = '${releasedOn(source.version)}';

/** Two zones a line; \`zone-transitions.ts\` says how each reads. */
export const ZONES = \`
${lines.join('\n')}
\`;
`;

const file = process.argv[2] ?? fileURLToPath(new URL('../src/time/zone-rules.ts', import.meta.url));
writeFileSync(file, text);
process.stdout.write(`${file}: IANA time zone database ${source.version}, ${packed.length} zones\n`);
