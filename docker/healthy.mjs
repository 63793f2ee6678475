// The health check of the image: exit code 0 while the service of this container is alive. Its certificate is for its public name, not for this address.
import { request } from 'node:https';

const { OPERATIONS_PORT, PORT, TLS_CERT } = process.env;
const path = `//127.0.0.1:${OPERATIONS_PORT || PORT || 3000}/health/live`;

const overTls = () =>
  new Promise((resolve, reject) => {
    request(`https:${path}`, { rejectUnauthorized: false, timeout: 4_000 }, (answer) => resolve(answer.statusCode === 200))
      .once('error', reject)
      .end();
  });
const plainly = async () => (await fetch(`http:${path}`, { signal: AbortSignal.timeout(4_000) })).ok;

const isAlive = await (TLS_CERT ? overTls() : plainly()).catch(() => false);
process.exit(isAlive ? 0 : 1);
