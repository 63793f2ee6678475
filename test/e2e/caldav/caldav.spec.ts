import { beforeAll, describe } from '@jest/globals';
import { type CaldavLinked, type Shelves, startCaldavLinked } from '../../support/linked-caldav.js';
import { suiteResources } from '../../support/opened.js';
import { meaningRules } from './sync-rules-meaning.js';
import { readingRules } from './sync-rules-reading.js';

/** Each has accounts of its own, so that one service is enough for all of them. */
const SUITES = [readingRules, meaningRules];

const opened = suiteResources();
let linked: CaldavLinked;
beforeAll(async () => {
  linked = await opened(startCaldavLinked(Object.assign({}, ...SUITES.map(({ shelves }) => shelves)) as Shelves));
});

for (const { title, suite } of SUITES)
  describe(title, () => {
    suite(() => linked);
  });
