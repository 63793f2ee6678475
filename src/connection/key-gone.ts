import { type Cause } from '../kernel/cause.js';

/** Says of a connection that its key is destroyed: it is revoked, because nothing of it can be read any more, and what is still due of it is removed. */
export type KeyGone = (connectionId: string, cause: Cause) => Promise<void>;

/** DI token of the `KeyGone`. */
export const KEY_GONE = Symbol('KeyGone');
