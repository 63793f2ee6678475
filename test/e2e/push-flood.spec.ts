import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { dayFromNow } from '../support/events.js';
import { flood } from '../support/flood.js';
import { suiteResources } from '../support/opened.js';
import { type Pushed, startPushed, type Watched } from '../support/pushed-service.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';

const COUNT = strength(400, 10_000);
const AT_ONCE = 50;

describe('sync-rule 33: A flood of notifications, through the whole service,', () => {
  const opened = suiteResources();
  let pushed: Pushed;
  let flooded: Watched;
  let other: Watched;
  let genuine: Readonly<Record<string, string>>;

  beforeAll(async () => {
    pushed = await opened(startPushed(dayFromNow(2), 'flooded', 'other'));
    flooded = await pushed.watched('flooded');
    other = await pushed.watched('other');
    const [channel] = await pushed.channels(flooded);
    flooded.change('before the flood');
    await flooded.sees('before the flood');
    await pushed.quiet(flooded);
    genuine = await eventually(
      'it was told',
      () =>
        pushed.relay.passed.find(
          ({ headers }) => headers['x-goog-channel-id'] === channel?.channel_id && headers['x-goog-resource-state'] === 'exists',
        )?.headers,
    );
  });

  it('on one channel makes few readings of its calendar, and keeps no other person’s change waiting', async () => {
    const before = pushed.asked(flooded.email).events;
    const first = Number(genuine['x-goog-message-number']);
    const statuses = new Set<number>();
    let hasSeen: Promise<unknown> = Promise.resolve();
    await flood(COUNT, AT_ONCE, async (index) => {
      if (index === COUNT / 4) {
        other.change('in the flood');
        hasSeen = other.sees('in the flood');
      }
      statuses.add((await pushed.replay(genuine, { 'x-goog-message-number': String(first + index) })).status);
    });
    await hasSeen;
    await pushed.quiet(flooded);
    expect([...statuses]).toEqual([204]);
    expect(pushed.asked(flooded.email).events - before).toBeLessThan(COUNT / 2);
    expect(Number((await pushed.channels(flooded))[0]?.seen)).toBe(first + COUNT);
  });

  it('sync-rule 13: for channels that there are not reads nothing, and keeps no change waiting', async () => {
    const before = pushed.asked(flooded.email).events;
    const statuses = new Set<number>();
    let hasSeen: Promise<unknown> = Promise.resolve();
    await flood(COUNT, AT_ONCE, async (index) => {
      if (index === COUNT / 4) {
        other.change('in the other flood');
        hasSeen = other.sees('in the other flood');
      }
      statuses.add((await pushed.replay(genuine, { 'x-goog-channel-id': randomUUID() })).status);
    });
    await hasSeen;
    expect([...statuses]).toEqual([404]);
    expect(pushed.asked(flooded.email).events).toBe(before);
  });
});
