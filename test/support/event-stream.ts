import { eventually } from './store.js';

/** One message of a server-sent event stream. */
export type Streamed = Readonly<{ event: string; id: string; data: Record<string, unknown> }>;

/** A reader of `GET /v1/calendar/stream`, as a browser's EventSource reads it. */
export type EventStream = Readonly<{
  status: number;
  headers: Headers;
  /** All that came so far. */
  messages: readonly Streamed[];
  /** The id to resume with. */
  lastEventId: () => string;
  /** Waits for the first message of this kind that fulfils a wish. */
  next: (event: string, isWanted?: (message: Streamed) => boolean) => Promise<Streamed>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close: () => void;
}>;

const fieldsOf = (block: string): ReadonlyMap<string, string> =>
  new Map(
    block
      .split('\n')
      .map((line) => /^(\w+): (.*)$/.exec(line))
      .flatMap((match) => (match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]])),
  );

/** `onMessage`: is told of each message as it comes. */
export const openEventStream = async (
  url: string,
  headers: Readonly<Record<string, string>> = {},
  onMessage: () => void = () => undefined,
): Promise<EventStream> => {
  const closing = new AbortController();
  const answer = await fetch(url, { headers, signal: closing.signal });
  const messages: Streamed[] = [];
  let lastEventId = '';
  const take = (block: string): void => {
    const fields = fieldsOf(block);
    lastEventId = fields.get('id') ?? lastEventId;
    const data = fields.get('data');
    if (data === undefined) return;
    messages.push({ event: fields.get('event') ?? 'message', id: lastEventId, data: JSON.parse(data) as Streamed['data'] });
    onMessage();
  };
  const read = async (): Promise<void> => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) {
      rest += decoder.decode(part as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      blocks.forEach(take);
    }
  };
  return {
    status: answer.status,
    headers: answer.headers,
    messages,
    lastEventId: () => lastEventId,
    next: (event, isWanted = () => true) =>
      eventually(`the stream told ${event}`, () => messages.find((message) => message.event === event && isWanted(message))),
    ended: read().catch(() => undefined),
    close: () => {
      closing.abort();
    },
  };
};
