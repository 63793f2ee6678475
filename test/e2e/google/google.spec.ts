import { beforeAll, describe } from '@jest/globals';
import { type GoogleLinked, startGoogleLinked } from '../../support/linked-service.js';
import { suiteResources } from '../../support/opened.js';
import { sharedAccount } from './shared-account.js';
import { accessRules } from './sync-rules-access.js';
import { meaningRules } from './sync-rules-meaning.js';
import { readingRules } from './sync-rules-reading.js';

/** Each has accounts of its own, so that one service is enough for all of them. */
const SUITES = [accessRules, readingRules, meaningRules, sharedAccount];

const opened = suiteResources();
let linked: GoogleLinked;
beforeAll(async () => {
  linked = await opened(startGoogleLinked(Object.assign({}, ...SUITES.map(({ zones }) => zones)) as Record<string, string>));
});

for (const { title, suite } of SUITES)
  describe(title, () => {
    suite(() => linked);
  });
