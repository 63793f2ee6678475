// `npm run connect`: links three made-up accounts of the sandbox, one each of its Google, its Microsoft and its CalDAV server, to the user "me" of the service
// on this machine. `npm run connect -- apple`: links a fourth one, by Sign in with Apple and the password after it.
import { localAddress, sandboxOf, serviceAt, toldOnFailure } from './service.client.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

await toldOnFailure(async () => {
  const service = await serviceAt(localAddress());
  const sandbox = await sandboxOf(process.env.DATA_DIR ?? '.data');
  const apple = (username) => service.connectApple(sandbox.account(username));
  const accounts = process.argv.includes('apple')
    ? { 'noah@work.example': apple }
    : {
        'mia@work.example': (username) => service.connectAt('google', username),
        'mia@school.example': (username) => service.connectAt('microsoft', username),
        'mia@home.example': (username) => service.connect(sandbox.url, sandbox.account(username)),
      };
  for (const [username, connect] of Object.entries(accounts)) {
    try {
      const { provider, calendars } = await connect(username);
      say(
        `Connected ${username} (${provider}): ${calendars
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
