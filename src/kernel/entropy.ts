/** The only source of chance: identities that never repeat, and fractions in [0, 1) for jitter. */
export type Entropy = Readonly<{ uuid: () => string; fraction: () => number }>;

/** DI token of the `Entropy`. */
export const ENTROPY = Symbol('Entropy');
