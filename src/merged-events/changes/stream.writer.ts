import { type Response } from 'express';

/** One message of the stream (WHATWG HTML, server-sent events); without `id` the reader's last one stays. */
export type Message = Readonly<{ event: string; data: unknown; id?: string }>;

/** Writes to one client; `false`: it is gone, or so slow that it was cut. */
export type StreamWriter = Readonly<{
  send: (message: Message) => Promise<boolean>;
  /** Keeps proxies from closing the connection, and the reader's place from growing old. */
  beat: (id: string) => Promise<boolean>;
  end: () => void;
}>;

/** How long a client may leave what was sent to it unread, in milliseconds, before it is cut: it can come back and resume. */
const STALLED = 30_000;

const HEAD = {
  'Content-Type': 'text/event-stream',
  // Nginx would hold the stream back to fill a buffer.
  'X-Accel-Buffering': 'no',
};

/** True once what was written has left for the client; false when it did not in time, or the connection closed. */
const drained = (response: Response): Promise<boolean> =>
  new Promise((resolve) => {
    const finish = (drained: boolean) => (): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      if (!drained) response.destroy();
      resolve(drained);
    };
    const [onDrain, onClose] = [finish(true), finish(false)];
    const timer = setTimeout(onClose, STALLED);
    response.on('drain', onDrain).on('close', onClose);
  });

/** Begins the answer. Nothing is buffered here beyond what one call writes: a slow client delays its own stream only. */
export const openStream = (response: Response, retryMilliseconds: number): StreamWriter => {
  const write = async (text: string): Promise<boolean> => {
    if (response.destroyed || response.writableEnded) return false;
    return response.write(text) || drained(response);
  };
  response.writeHead(200, HEAD);
  response.write(`retry: ${retryMilliseconds}\n\n`);
  return {
    send: ({ event, data, id }) => write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    beat: (id) => write(`: still here\nid: ${id}\n\n`),
    end: () => {
      response.end();
    },
  };
};
