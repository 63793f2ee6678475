import { createServer as createTcpServer } from 'node:net';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Lane, type Spend } from '../../src/provider/budget.js';
import { type Call, ProviderFault } from '../../src/provider/calendar-provider.js';
import { type GuardedHttp, type HttpResponse, Passing } from '../../src/provider/http/guarded.http.js';
import { type GuardedHttpOptions } from '../../src/provider/http/guarded.settings.js';
import { AddressRefused, guardedLookup, isOwnNetworkAddress, isPublicAddress } from '../../src/provider/http/addresses.check.js';
import { allowed, nearHttp } from '../support/caldav.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const transport = (options: Partial<GuardedHttpOptions> = {}): GuardedHttp => {
  const http = nearHttp(options);
  closing.push(() => http.close());
  return http;
};

const listening = async (server: Server | ReturnType<typeof createTcpServer>): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
};

const text = async ({ body }: HttpResponse): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
};

const SOMEBODY = { account: 'somebody', aMinute: 240, atOnce: null };

const get = (http: GuardedHttp, url: string, call: Call = allowed()): Promise<string> =>
  http.request({ method: 'GET', url, headers: {}, body: null, credentials: null, lane: SOMEBODY, maxBytes: null }, call, text);

/** Counts what was permitted. */
const counting = (): Call & { granted: () => number } => {
  let granted = 0;
  const permit = () => {
    granted += 1;
    return Promise.resolve();
  };
  return { ...allowed(), permit, granted: () => granted };
};

describe('the guard of addresses', () => {
  it.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.1.2.3/',
    'https://100.64.0.1/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[::]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b:1::a00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:7f00:1::]/',
    'https://[5f00::1]/',
    'https://[3fff::1]/',
    'https://0.0.0.0/',
    'https://0/',
    'https://127.1/',
    'https://0x7f.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://１２７.０.０.１/',
    'https://2130706433/',
    'https://localhost/',
    'http://example.org/',
    'ftp://example.org/',
  ])('refuses %s without calling it', async (url) => {
    const http = transport({ allowPrivate: false });
    await expect(get(http, url)).rejects.toMatchObject({ fault: 'refused-address' });
  });

  it.each([
    ...['169.254.169.254', '169.254.170.2', '169.254.0.1', '100.100.100.200', '168.63.129.16', '192.0.0.192', '0xa9fea9fe', '2852039166'],
    ...['[fe80::1]', '[febf::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '[::ffff:169.254.169.254]', '[::ffff:a83f:8110]'],
    ...['[64:ff9b::169.254.169.254]', '[64:ff9b::6464:64c8]', '[2002:a9fe:a9fe::1]', '169.254.169.254.'],
  ])('never calls %s, also where private addresses may be called or the origin is allowed', async (host) => {
    for (const scheme of ['http', 'https']) {
      const url = `${scheme}://${host}/latest/meta-data/`;
      for (const options of [{ allowPrivate: true }, { allowPrivate: false, allowedOrigins: [new URL(url).origin] }])
        await expect(get(transport(options), url)).rejects.toMatchObject({ fault: 'refused-address' });
    }
  });

  it.each(['10.0.0.1', '192.168.1.1', '172.16.0.1', '127.0.0.1', '100.64.0.1', '::1', 'fd00::1', '93.184.215.14', '2606:2800:21f::1'])(
    'may call %s where private addresses may be called',
    (address) => {
      expect(isOwnNetworkAddress(address)).toBe(true);
    },
  );

  it('follows no redirect to a cloud’s metadata, also where private addresses may be called', async () => {
    const origin = await listening(
      createServer((_, response) => response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end()),
    );
    await expect(get(transport({ allowPrivate: true }), `${origin}/`)).rejects.toMatchObject({ fault: 'refused-address' });
  });

  it('lets an allowed origin pass, but not a redirect from it to anywhere else', async () => {
    const targets = ['https://127.0.0.1:9/', 'http://127.0.0.1:9/', 'https://localhost:9/', 'file:///etc/hosts'];
    const origin = await listening(
      createServer(({ url }, response) => {
        const target = targets[Number(url?.slice(1))];
        response.writeHead(target === undefined ? 200 : 302, target === undefined ? {} : { location: target }).end('hello');
      }),
    );
    const http = transport({ allowPrivate: false, allowedOrigins: [origin] });
    expect(await get(http, `${origin}/hello`)).toBe('hello');
    for (const index of targets.keys()) await expect(get(http, `${origin}/${index}`)).rejects.toMatchObject({ fault: 'refused-address' });
  });
});

describe('a name', () => {
  type Found = readonly Readonly<{ address: string; family: number }>[];
  const lookUp = (found: Found, all: boolean, mayCall = isPublicAddress) =>
    new Promise<unknown>((resolve) => {
      guardedLookup(mayCall, (_, __, callback) => {
        callback(null, [...found]);
      })('calendar.example', { all }, (error, address) => {
        resolve(error ?? address);
      });
    });
  const [open, inside] = [
    { address: '93.184.215.14', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ];

  it('leads to a private address where those may be called, and never to a link or a cloud’s metadata', async () => {
    expect(await lookUp([inside], false, isOwnNetworkAddress)).toBe(inside.address);
    expect(await lookUp([inside, { address: '169.254.169.254', family: 4 }], true, isOwnNetworkAddress)).toBeInstanceOf(AddressRefused);
  });

  it('leads to the very addresses that were checked', async () => {
    expect(await lookUp([open], false)).toBe('93.184.215.14');
    expect(await lookUp([open, { address: '2606:2800:21f::1', family: 6 }], true)).toEqual([
      open,
      { address: '2606:2800:21f::1', family: 6 },
    ]);
  });

  it.each([
    [[inside]],
    [[open, inside]],
    [[{ address: 'fe80::1%eth0', family: 6 }]],
    [[{ address: '::ffff:93.184.215.14', family: 6 }]],
    [[]],
  ])('that leads to %j is not called', async (found) => {
    for (const all of [true, false]) expect(await lookUp(found, all)).toBeInstanceOf(AddressRefused);
  });

  it('that changes its mind between two calls is asked, and judged, again', async () => {
    const answers = [[open], [inside]];
    const lookup = guardedLookup(isPublicAddress, (_, __, callback) => {
      callback(null, answers.shift() ?? []);
    });
    const ask = () =>
      new Promise<unknown>((resolve) => {
        lookup('calendar.example', {}, (error, address) => {
          resolve(error ?? address);
        });
      });
    expect([await ask(), await ask()]).toEqual(['93.184.215.14', expect.any(AddressRefused)]);
  });
});

describe('the transport', () => {
  it('asks for leave before every single request, redirects and repetitions among them', async () => {
    let answered = 0;
    const origin = await listening(
      createServer(({ url }, response) => {
        answered += 1;
        if (url === '/from') response.writeHead(307, { location: '/to' }).end();
        else response.writeHead(answered === 2 ? 503 : 200).end('hello');
      }),
    );
    const call = counting();
    expect(await get(transport(), `${origin}/from`, call)).toBe('hello');
    expect(answered).toBe(4);
    expect(call.granted()).toBe(4);
  });

  it('sync-rule 17: takes every single request out of the budget of its account, redirects and repetitions among them', async () => {
    let answered = 0;
    const origin = await listening(
      createServer(({ url }, response) => {
        answered += 1;
        if (url === '/from') response.writeHead(307, { location: '/to' }).end();
        else response.writeHead(answered === 2 ? 503 : 200).end('hello');
      }),
    );
    const spent: Lane[] = [];
    const spend: Spend = (lane) => {
      spent.push(lane);
      return Promise.resolve(0);
    };
    expect(await get(transport({ spend }), `${origin}/from`)).toBe('hello');
    expect([answered, spent]).toEqual([4, [SOMEBODY, SOMEBODY, SOMEBODY, SOMEBODY]]);
  });

  it('sync-rule 17: sends nothing while the budget of an account is used up, and does not fail; no other account waits', async () => {
    const asked: string[] = [];
    const origin = await listening(
      createServer(({ url = '' }, response) => {
        asked.push(url);
        response.end('hello');
      }),
    );
    let isUsedUp = true;
    const spend: Spend = ({ account }) => Promise.resolve(account === SOMEBODY.account && isUsedUp ? 5 : 0);
    const http = transport({ spend, totalTimeout: 1_000 });
    const call = counting();
    // More than are made at once of one account.
    const waiting = Array.from({ length: 6 }, () => get(http, `${origin}/waiting`, call));
    const other = { account: 'another', aMinute: 240, atOnce: null };
    const go = { method: 'GET', url: `${origin}/other`, headers: {}, body: null, credentials: null, lane: other, maxBytes: null } as const;
    expect(await http.request(go, allowed(), text)).toBe('hello');
    await sleep(1_100);
    expect([asked, call.granted()]).toEqual([['/other'], 0]);
    isUsedUp = false;
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 6 }, () => 'hello'));
  });

  it('sync-rule 17: stops waiting for its budget when it is told to, and says why', async () => {
    const stopping = new AbortController();
    const waiting = get(transport({ spend: () => Promise.resolve(60_000) }), 'http://127.0.0.1:9/', {
      ...allowed(),
      signal: stopping.signal,
    });
    const reason = new Error('the process stops');
    stopping.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('gives up on a server that cannot be reached after four tries', async () => {
    const call = counting();
    await expect(get(transport(), 'http://127.0.0.1:9/', call)).rejects.toMatchObject({ fault: 'unavailable' });
    expect(call.granted()).toBe(4);
  });

  it('does not wait when the server asks for more time than a sync has', async () => {
    const origin = await listening(createServer((_, response) => response.writeHead(429, { 'retry-after': '120' }).end()));
    const call = counting();
    await expect(get(transport(), origin, call)).rejects.toMatchObject({ fault: 'throttled', retryAfter: 120 });
    expect(call.granted()).toBe(1);
  });

  it('reads compressed answers, and stops at a size no calendar has, compressed or not', async () => {
    const large = gzipSync(Buffer.alloc(4_000_000));
    const origin = await listening(
      createServer(({ url }, response) => {
        if (url === '/plain') response.end(Buffer.alloc(4_000_000));
        else response.writeHead(200, { 'content-encoding': 'gzip' }).end(url === '/bomb' ? large : gzipSync('hello'));
      }),
    );
    const http = transport({ maxBytes: 1_000_000 });
    expect(await get(http, origin)).toBe('hello');
    await expect(get(http, `${origin}/bomb`)).rejects.toMatchObject({ fault: 'malformed' });
    await expect(get(http, `${origin}/plain`)).rejects.toMatchObject({ fault: 'malformed' });
  });

  it('ends an answer that trickles in without end', async () => {
    const dripping: NodeJS.Timeout[] = [];
    const origin = await listening(
      createServer((_, response) => {
        response.writeHead(200);
        dripping.push(setInterval(() => response.write('.'), 20));
      }),
    );
    const call = counting();
    await expect(get(transport({ totalTimeout: 300 }), origin, call)).rejects.toMatchObject({ fault: 'unavailable' });
    dripping.forEach((timer) => {
      clearInterval(timer);
    });
    expect(call.granted()).toBeLessThanOrEqual(2);
  });

  it.each([
    ['says it is longer than it is', 'Content-Length: 100\r\n\r\nhello'],
    ['says it is compressed and is not', 'Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello'],
    [
      'breaks off inside its compression',
      `Content-Encoding: gzip\r\n\r\n${gzipSync('hello'.repeat(99)).subarray(0, 20).toString('latin1')}`,
    ],
    ['has a chunk of another size than it says', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhel'],
  ])('takes an answer that %s for a broken connection', async (_, rest) => {
    const origin = await listening(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          socket.end(Buffer.from(`HTTP/1.1 200 OK\r\n${rest}`, 'latin1'));
        });
      }),
    );
    await expect(get(transport(), origin)).rejects.toMatchObject({ fault: 'unavailable' });
  });

  it('makes a request that does something once, and takes it nowhere else', async () => {
    const asked: string[] = [];
    const origin = await listening(
      createServer(({ method, url }, response) => {
        asked.push(`${method ?? ''} ${url ?? ''}`);
        if (url === '/moved') response.writeHead(307, { location: '/elsewhere' }).end('moved');
        else response.writeHead(503).end();
      }),
    );
    const post = (path: string): Promise<string> =>
      transport().request(
        { method: 'POST', url: `${origin}${path}`, headers: {}, body: 'code=1', credentials: null, lane: SOMEBODY, maxBytes: null },
        allowed(),
        text,
      );
    await expect(post('/away')).rejects.toMatchObject({ name: 'ProviderFault', fault: 'unavailable' });
    expect(await post('/moved')).toBe('moved');
    expect(asked).toEqual(['POST /away', 'POST /moved']);
  });

  it('asks again for what its reader finds to be passing', async () => {
    let asked = 0;
    const origin = await listening(createServer((_, response) => response.end(String((asked += 1)))));
    const request = { method: 'GET', url: origin, headers: {}, body: null, credentials: null, lane: SOMEBODY, maxBytes: null } as const;
    const read = async (response: HttpResponse): Promise<string> => {
      const body = await text(response);
      if (body !== '3') throw new Passing(new ProviderFault('throttled', 'slower'), 'throttleFloor');
      return body;
    };
    expect(await transport().request(request, allowed(), read)).toBe('3');
  });

  it('takes an error of the reader for what it is', async () => {
    const origin = await listening(createServer((_, response) => response.end('hello')));
    const wrong = new Error('not what I wanted');
    const request = { method: 'GET', url: origin, headers: {}, body: null, credentials: null, lane: SOMEBODY, maxBytes: null } as const;
    await expect(transport().request(request, allowed(), () => Promise.reject(wrong))).rejects.toBe(wrong);
  });

  it('survives servers that close the connection on a slow reader', async () => {
    const body = Buffer.alloc(3_000_000, 'x');
    const origin = await listening(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body]));
        });
      }),
    );
    const http = transport();
    const request = { method: 'GET', url: origin, headers: {}, body: null, credentials: null, lane: SOMEBODY, maxBytes: null } as const;
    const slowly = async (response: HttpResponse): Promise<number> => {
      let length = 0;
      for await (const part of response.body) {
        length += part.byteLength;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return length;
    };
    for (let round = 0; round < 20; round += 1) expect(await http.request(request, allowed(), slowly)).toBe(body.byteLength);
  });
});
