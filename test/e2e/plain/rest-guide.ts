import { beforeAll, expect, it } from '@jest/globals';
import { DAY, icsOf } from '../../support/calendar-item.js';
import { blocksOf, runBlocks } from '../../support/guide.js';
import { suiteResources } from '../../support/opened.js';
import { startRadicale } from '../../support/radicale.js';
import { fileOf, seedItems } from '../../support/seed.js';
import { type PlainSuite } from '../../support/service.js';

const blocks = blocksOf('rest.md');

/** Each request also prints its status. */
const before = `curl() { command curl --max-time 60 -w '\\n%{http_code}\\n' "$@"; }`;

export const restGuide: PlainSuite = {
  title: 'The guide to the API',
  suite: (plain) => {
    const opened = suiteResources();
    let outputs: readonly string[];

    beforeAll(async () => {
      const radicale = await opened(startRadicale());
      const service = plain();
      const calendar = await radicale.makeCalendar('work', { displayname: 'Work' });
      for (const item of seedItems({ events: 20, seed: 4, from: new Date(Math.floor(Date.now() / DAY) * DAY), recurring: 0.5 }))
        await radicale.put(calendar, fileOf(item), icsOf(item));
      const account = { DAV_URL: radicale.url, DAV_USER: radicale.user, DAV_PASSWORD: radicale.password };
      const ran = await runBlocks(blocks, { API: service.url, TOKEN: await service.token('me'), ...account }, { before });
      expect([ran.code, ran.complaints]).toEqual([0, '']);
      ({ outputs } = ran);
    });

    it('states the outcome of every example', () => {
      expect(blocks.length).toBeGreaterThan(8);
      expect(blocks.filter(({ status }) => status === null).map(({ text }) => text)).toEqual([]);
    });

    it.each(blocks.map((block, index) => ({ ...block, index, name: block.text.split('\n')[0] ?? '' })))(
      'is right that $name … is answered $status',
      ({ index, status, fragment }) => {
        const output = outputs[index] ?? '';
        expect(output).toMatch(new RegExp(`^${status ?? ''}$`, 'm'));
        expect(output).toContain(fragment);
      },
    );
  },
};
