/** The way to stop each part that was started, in the order of the starts. */
export type Stops = (() => Promise<void>)[];

/**
 * Runs a start, which puts the way to stop each part onto `stops`. `stop` stops all of them, the last first; when the start fails, those that were
 * started are stopped before it throws.
 */
export const startInOrder = async <T>(
  start: (stops: Stops) => Promise<T>,
): Promise<Readonly<{ started: T; stop: () => Promise<void> }>> => {
  const stops: Stops = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse()) await each();
  };
  try {
    return { started: await start(stops), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
