import { parseArgs } from 'node:util';
import { startMicrosoftSandbox } from '../src/embedded/microsoft.sandbox.js';
import { systemClock } from '../src/infra/system.clock.js';
import { TENANT } from '../test/support/microsoft-sandbox.js';
import { BENCH_PERSON, LATENCY } from './account.vendor.js';
import { BENCH_CALENDAR, microsoftItems, microsoftRows } from './microsoft.calendar.js';

// Microsoft's simulator as a process of its own, with one calendar of so many events. It prints its address once it listens.
const { values } = parseArgs({ options: { events: { type: 'string' }, from: { type: 'string' } } });
const items = microsoftItems(Number(values.events), new Date(values.from ?? Number.NaN));
const sandbox = await startMicrosoftSandbox({
  clock: systemClock,
  port: 0,
  timeZone: 'UTC',
  restlessness: null,
  start: {
    people: [
      { email: BENCH_PERSON, fullName: 'Bench', tenant: TENANT, timeZone: 'UTC', list: [{ calendar: BENCH_CALENDAR, role: 'owner' }] },
    ],
    calendars: [{ id: BENCH_CALENDAR, name: 'Bench', owner: { name: 'Bench', address: BENCH_PERSON } }],
  },
});
for (const event of items.flatMap(microsoftRows)) sandbox.mailboxes.putEvent(BENCH_CALENDAR, event);
for (const on of ['api', 'token']) sandbox.switchOn({ fault: 'slow', on, milliseconds: LATENCY });
console.log(sandbox.url);
