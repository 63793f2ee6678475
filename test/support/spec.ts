import { expect } from '@jest/globals';
import { type Decider, fold, type Message } from '../../src/kernel/decider.js';
import { Refused } from '../../src/kernel/refused.js';

/** `given(decider, ...events).when(command).then(...events)` or `.refused(code)`: a rule as a sentence. */
export const given = <S, C extends Message, E extends Message>(decider: Decider<S, C, E>, ...events: readonly E[]) => ({
  when: (command: C) => ({
    then: (...expected: readonly E[]): void => {
      expect(decider.decide(fold(decider, events), command)).toEqual(expected);
    },
    refused: (code: string): void => {
      const attempt = (): unknown => decider.decide(fold(decider, events), command);
      expect(attempt).toThrow(Refused);
      expect(attempt).toThrow(code);
    },
  }),
});
