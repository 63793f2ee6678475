import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';

/** The threads of a service that plays every role. */
export const THREADS = ['main', 'projector', 'sync'] as const;

/** What each thread cannot give back: megabytes in use once everything that is garbage has been collected. */
export type LiveHeap = Readonly<Record<(typeof THREADS)[number], number>>;

/** Environment of a process that is to be looked into: its inspector takes any free port once `SIGUSR1` asks for it. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' } as const;

/** The Chrome DevTools Protocol (domains Runtime, HeapProfiler) and Node's own domain NodeWorker. */
type Send = (method: string, params?: Readonly<Record<string, unknown>>) => Promise<unknown>;

type Message = Readonly<{
  id?: number;
  result?: unknown;
  method?: string;
  params?: Readonly<{ sessionId: string; message?: string; workerInfo?: Readonly<{ title: string }> }>;
}>;

const LIMIT = 30_000;
const MEGABYTE = 1_048_576;

/** Numbers the calls of one session, and hands answers to who asked. */
const session = (post: (text: string) => void): Readonly<{ send: Send; answered: (message: Message) => void }> => {
  const waiting = new Map<number, (result: unknown) => void>();
  let last = 0;
  return {
    send: (method, params = {}) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        const late = setTimeout(() => {
          reject(new Error(`The inspector did not answer ${method}.`));
        }, LIMIT);
        waiting.set(id, (result) => {
          clearTimeout(late);
          waiting.delete(id);
          resolve(result);
        });
        post(JSON.stringify({ id, method, params }));
      }),
    answered: ({ id, result }) => {
      waiting.get(id ?? 0)?.(result);
    },
  };
};

/** Collected twice: what the first collection finalizes, the second frees. */
const liveHeapOf = async (send: Send): Promise<number> => {
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  const usage = (await send('Runtime.getHeapUsage')) as Readonly<{ usedSize: number }>;
  return usage.usedSize / MEGABYTE;
};

const inspectorOf = async (pid: number, output: () => string): Promise<string> => {
  process.kill(pid, 'SIGUSR1');
  for (const end = performance.now() + LIMIT; performance.now() < end;) {
    const address = /Debugger listening on (ws:\/\/\S+)/.exec(output())?.[1];
    if (address !== undefined) return address;
    await sleep(50);
  }
  throw new Error('The service opened no inspector.');
};

/** Looks into every thread of a service that was started `INSPECTABLE`; `output` is what it has printed so far. */
export const openHeap = async (
  pid: number,
  output: () => string,
): Promise<Readonly<{ live: () => Promise<LiveHeap>; close: () => void }>> => {
  const socket = new WebSocket(await inspectorOf(pid, output));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const main = session((text) => {
    socket.send(text);
  });
  const sessionIds = new Map<string, string>();
  const worker = (name: string) =>
    session((message) => {
      void main.send('NodeWorker.sendMessageToWorker', { sessionId: sessionIds.get(name), message });
    });
  const workers = { projector: worker('projector'), sync: worker('sync') };
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    const { sessionId = '', message: text = '{}', workerInfo } = message.params ?? {};
    // The title ends in the thread's name: `[worker 2] sync`.
    if (message.method === 'NodeWorker.attachedToWorker') sessionIds.set(workerInfo?.title.split(' ').at(-1) ?? '', sessionId);
    else if (message.method !== 'NodeWorker.receivedMessageFromWorker') main.answered(message);
    else
      for (const name of ['projector', 'sync'] as const)
        if (sessionIds.get(name) === sessionId) workers[name].answered(JSON.parse(text) as Message);
  });
  await main.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return {
    live: async () => ({
      main: await liveHeapOf(main.send),
      projector: await liveHeapOf(workers.projector.send),
      sync: await liveHeapOf(workers.sync.send),
    }),
    close: () => {
      socket.close();
    },
  };
};
