import { type SandboxRequest } from '../exchange.js';
import { atOnce, type Delivery, serveSandbox } from '../sandbox.http.js';
import { authenticated, davAnswer } from './dav.answers.js';
import { placeOf, plain, type SeenRequest, type World } from './dav.exchange.js';
import { sandboxAnswer } from './sandbox.admin.js';
import { targetOf } from './targets.js';

type Seen = (request: SeenRequest) => void;

const deliveryOf = (world: World, { method, url, header, body }: SandboxRequest, seen: Seen): Delivery => {
  const path = URL.canParse(url, world.origin()) ? new URL(url, world.origin()).pathname : '';
  const own = sandboxAnswer(world, { method, path, header, body });
  const target = targetOf(path);
  if (own !== null || target === null) return atOnce(own ?? plain(404));
  const answer = davAnswer(world, { method, target, header, body });
  const place = placeOf(target, null);
  const milliseconds = world.faults.take('slow', place)?.milliseconds ?? 0;
  const cut = answer.body !== '' && world.faults.take('cut', place) !== null;
  seen({ method, path, status: answer.status, account: authenticated(world, { header })?.username ?? null, cut });
  return { answer, milliseconds, cut };
};

/** The HTTP server of a world, until it is closed. `seen`: told of every request but those to the sandbox itself. */
export const serve = (world: World, port: number, seen: Seen): ReturnType<typeof serveSandbox> =>
  serveSandbox(port, (request) => deliveryOf(world, request, seen));
