import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { prefixOf } from '../../src/kernel/event-store.js';
import { PROJECTIONS } from '../../src/app/projections.js';

describe('eventstore/subscriptions.yaml', () => {
  it('lists every projection that runs, and what it follows', () => {
    const text = readFileSync(new URL('../../eventstore/subscriptions.yaml', import.meta.url), 'utf8');
    const listed = [...text.matchAll(/^ {2}(\w+): \[(.*)\]$/gm)].map(([, name, follows]) => ({ name, follows: follows?.split(', ') }));
    expect(listed).toEqual(PROJECTIONS.map(({ name, families }) => ({ name, follows: families.map(prefixOf) })));
  });
});
