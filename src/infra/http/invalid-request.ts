import { Refused } from '../../kernel/refused.js';

/** One thing wrong with a request: where (`attendees.0`), and what was expected there. Never the value that was sent. */
export type Mistake = Readonly<{ path: string; message: string }>;

/** The request does not have the shape its route documents; answered with 400 `request.invalid` and all its mistakes. */
export class InvalidRequest extends Refused {
  constructor(readonly mistakes: readonly Mistake[]) {
    super('request.invalid', 400, 'The request does not have the shape this route documents; `errors` says where.');
  }
}
