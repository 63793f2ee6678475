/** Answers on their way to one client, sent when there are enough of them to be worth it. */
export type Outbox = Readonly<{
  add: (frame: Uint8Array) => void;
  /** Sends if there is enough; resolves when more may be added. */
  relieve: () => Promise<void>;
  /** Sends what there is. */
  flush: () => Promise<void>;
}>;

const ENOUGH = 64 * 1_024;

/** `send` takes many frames as one. */
export const outboxTo = (send: (frames: Uint8Array) => Promise<void>): Outbox => {
  let frames: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (size === 0) return;
    const all = Buffer.concat(frames, size);
    frames = [];
    size = 0;
    await send(all);
  };
  return {
    add: (frame) => {
      frames.push(frame);
      size += frame.byteLength;
    },
    relieve: async () => {
      if (size >= ENOUGH) await flush();
    },
    flush,
  };
};
