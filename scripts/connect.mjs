// `npm run connect`: links two made-up accounts of the sandbox to the user "me" of the service on this machine.
import { localAddress, sandboxOf, serviceAt, toldOnFailure } from './service.client.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

await toldOnFailure(async () => {
  const service = await serviceAt(localAddress());
  const sandbox = await sandboxOf(process.env.DATA_DIR ?? '.data');
  for (const username of ['mia@work.example', 'mia@home.example']) {
    try {
      const { calendars } = await service.connect(sandbox.url, sandbox.account(username));
      say(
        `Connected ${username}: ${calendars
          .map(({ name }) => name)
          .sort()
          .join(', ')}`,
      );
    } catch (error) {
      if (error.code !== 'connection.exists') throw error;
      say(`${username} is connected already.`);
    }
  }
  await service.settled();
  say('Their calendars are read. Now: npm run week');
});
