/** Set by the project `soak` of jest.config.mjs alone. */
const isSoak = (globalThis as Readonly<{ SOAK?: boolean }>).SOAK === true;

/** How much of a soak is done: `few` by `npm test`, `all` by `npm run test:soak`. */
export const strength = <T>(few: T, all: T): T => (isSoak ? all : few);
