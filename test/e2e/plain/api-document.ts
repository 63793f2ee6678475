import { beforeAll, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type ApiDocument, judgeBy, routesOf, type Schema } from '../../support/api-contract.js';
import { type PlainSuite, type Service } from '../../support/service.js';

/** What a schema says an answer may look like; undefined when it shows nothing. */
const exampleOf = ({ components }: ApiDocument, schema: Schema | undefined): unknown => {
  const named = /^#\/components\/schemas\/(.+)$/.exec(String(schema?.['$ref']))?.[1];
  const told = named === undefined ? schema : components.schemas[named];
  if (told?.['example'] !== undefined || told?.['type'] !== 'array') return told?.['example'];
  const item = exampleOf({ components, paths: {} }, told['items'] as Schema);
  return item === undefined ? undefined : [item];
};

export const apiDocument: PlainSuite = {
  title: 'The API’s document',
  suite: (plain) => {
    let service: Service;
    let document: ApiDocument;

    beforeAll(async () => {
      service = plain();
      document = (await (await fetch(`${service.url}/openapi.json`)).json()) as typeof document;
    });

    it('is valid OpenAPI for an independent validator', async () => {
      expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true });
    });

    it('names every route there is', () => {
      const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      expect(routes.filter((route) => route.includes('/v1/calendar')).sort()).toEqual([
        'DELETE /v1/calendar/connections/{id}',
        'GET /v1/calendar/availability',
        'GET /v1/calendar/calendars',
        'GET /v1/calendar/changes',
        'GET /v1/calendar/connections',
        'GET /v1/calendar/connections/{id}',
        'GET /v1/calendar/events',
        'GET /v1/calendar/oauth/{provider}/callback',
        'GET /v1/calendar/providers',
        'GET /v1/calendar/settings',
        'GET /v1/calendar/stream',
        'GET /v1/calendar/sync/{id}',
        'PATCH /v1/calendar/settings',
        'POST /v1/calendar/availability',
        'POST /v1/calendar/connections',
        'POST /v1/calendar/connections/{id}/confirm',
        'POST /v1/calendar/connections/{id}/credentials',
        'POST /v1/calendar/connections/{id}/reconnect',
        'POST /v1/calendar/oauth/{provider}/callback',
        'POST /v1/calendar/oauth/{provider}/callback/password',
        'POST /v1/calendar/stream/ticket',
        'POST /v1/calendar/sync',
      ]);
    });

    it('says of every route in a few words what it is for, and in no two the same', () => {
      const said = routesOf(document).map(({ operation }) => (operation as { summary?: string }).summary ?? '');
      expect(said.filter((summary) => summary.length < 5 || summary.length > 60)).toEqual([]);
      expect(new Set(said).size).toBe(said.length);
    });

    it('shows an example of every answer, and each is what its schema allows', () => {
      const judge = judgeBy(document);
      const wrong = routesOf(document).flatMap(({ name, operation }) =>
        Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
          Object.entries(content).map(([contentType, { schema }]) => {
            const example = exampleOf(document, schema);
            if (example === undefined) return `${name} ${status} shows none`;
            const shown = status === 'default' ? (example as { status: number }).status : Number(status);
            const fault = judge(operation, { status: shown, contentType, text: JSON.stringify(example) });
            return fault === null ? null : `${name} ${status}: ${fault}`;
          }),
        ),
      );
      expect(wrong.filter((each) => each !== null)).toEqual([]);
      expect(wrong.length).toBeGreaterThan(40);
    });

    it('says of a route that refuses by a page that it may refuse by a problem too', () => {
      const kinds = routesOf(document).flatMap(({ operation }) => {
        const content = operation.responses['400']?.content;
        return content === undefined ? [] : [Object.keys(content).sort()];
      });
      expect(kinds).toEqual([
        ['application/problem+json', 'text/html'],
        ['application/problem+json', 'text/html'],
      ]);
    });

    it('can be tried in a browser', async () => {
      const page = await fetch(`${service.url}/docs`);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('swagger-ui')]);
    });

    it('leads to that of the topics, which a page shows', async () => {
      expect(JSON.stringify(document)).toContain('/docs/topics');
      const topics = (await (await fetch(`${service.url}/asyncapi.json`)).json()) as Readonly<{ channels: object }>;
      const page = await (await fetch(`${service.url}/docs/topics`)).text();
      for (const topic of Object.keys(topics.channels)) expect(page).toContain(`<h2><code>${topic}</code></h2>`);
      expect(Object.keys(topics.channels)).toContain('juy.calendar.events.v1');
    });
  },
};
