/** A signal that is aborted when another one is, or when `end` is called; `end` leaves no listener at the other one, which may outlive the work by days. */
export const endingWith = (signal: AbortSignal): Readonly<{ signal: AbortSignal; end: () => void }> => {
  const ending = new AbortController();
  const end = (): void => {
    signal.removeEventListener('abort', end);
    ending.abort();
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  return { signal: ending.signal, end };
};
