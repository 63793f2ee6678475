import { describe, expect, it } from '@jest/globals';
import { switchboard } from '../../src/embedded/switchboard.js';

type Fault = Readonly<{ fault: 'broken' | 'slow'; times: number | null; share: number | null }>;

const board = () => switchboard<Fault, null>(() => true);

const happened = (faults: ReturnType<typeof board>, tries: number): number =>
  Array.from({ length: tries }, (): Fault | null => faults.take('broken', null)).filter((fault) => fault !== null).length;

describe('The faults of a sandbox', () => {
  it('happen until they are switched off, or so many times', () => {
    const faults = board();
    expect(happened(faults, 10)).toBe(0);
    faults.add({ fault: 'broken', times: 3, share: null });
    expect(happened(faults, 10)).toBe(3);
    faults.add({ fault: 'broken', times: null, share: null });
    expect(happened(faults, 10)).toBe(10);
    faults.clear();
    expect(happened(faults, 10)).toBe(0);
  });

  it('happen in a share of all cases', () => {
    const faults = board();
    faults.add({ fault: 'broken', times: null, share: 0.05 });
    expect(happened(faults, 10_000)).toBeGreaterThan(400);
    expect(happened(faults, 10_000)).toBeLessThan(600);
    faults.add({ fault: 'broken', times: null, share: 1 });
    expect(happened(faults, 100)).toBe(100);
  });

  it('happen so many times in a share of all cases', () => {
    const faults = board();
    faults.add({ fault: 'broken', times: 3, share: 0.5 });
    expect(happened(faults, 1_000)).toBe(3);
  });
});
