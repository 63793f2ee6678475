import { beforeAll, describe } from '@jest/globals';
import { suiteResources } from '../../support/opened.js';
import { type Service, startService } from '../../support/service.js';
import { apiDocument } from './api-document.js';
import { availability } from './availability.js';
import { mainJob } from './main-job.js';
import { restGuide } from './rest-guide.js';
import { revoke } from './revoke.js';
import { settings } from './settings.js';

/** Each has people of its own, so that one service without further settings is enough for all of them. */
const SUITES = [apiDocument, mainJob, restGuide, settings, revoke, availability];

const opened = suiteResources();
let service: Service;
beforeAll(async () => {
  service = await opened(startService());
});

for (const { title, suite } of SUITES)
  describe(title, () => {
    suite(() => service);
  });
