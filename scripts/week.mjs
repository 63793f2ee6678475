// `npm run week`: the coming seven days of the user "me", merged from all connected calendars.
import { localAddress, serviceAt, Told, toldOnFailure } from './service.client.mjs';
import { comingWeek, weekTable } from './week.table.mjs';

await toldOnFailure(async () => {
  const service = await serviceAt(localAddress());
  const calendars = await service.calendars();
  if (calendars.length === 0) throw new Told('No account is connected yet. Link two made-up ones: npm run connect');
  const week = comingWeek();
  const events = await service.events(week.start, week.end);
  process.stdout.write(weekTable(events, calendars, week, process.stdout.isTTY === true));
});
