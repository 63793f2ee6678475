/** Before the first attempt to start an engine again, and at most before any other; in milliseconds. */
export const FIRST_PAUSE = 100;
export const LONGEST_PAUSE = 10_000;

/** The pause that follows one after which the engine did not start, or lived only a short life. */
export const pauseAfter = (pause: number): number => Math.min(pause * 2, LONGEST_PAUSE);
