import { parseArgs } from 'node:util';
import { startGoogleSandbox } from '../src/embedded/google.sandbox.js';
import { systemClock } from '../src/infra/system.clock.js';
import { BENCH_PERSON, LATENCY } from './account.vendor.js';
import { googleItems, googleRows } from './google.calendar.js';

// Google's simulator as a process of its own, with one calendar of so many events. It prints its address once it listens.
const { values } = parseArgs({ options: { events: { type: 'string' }, from: { type: 'string' } } });
const items = googleItems(Number(values.events), new Date(values.from ?? Number.NaN));
const sandbox = await startGoogleSandbox({
  clock: systemClock,
  port: 0,
  timeZone: 'UTC',
  restlessness: null,
  start: {
    people: [{ email: BENCH_PERSON, fullName: 'Bench', list: [{ calendar: BENCH_PERSON, accessRole: 'owner', primary: true }] }],
    calendars: [{ id: BENCH_PERSON, summary: 'Bench', timeZone: 'UTC', events: items.flatMap(googleRows) }],
  },
});
for (const on of ['api', 'token']) sandbox.switchOn({ fault: 'slow', on, milliseconds: LATENCY });
console.log(sandbox.url);
