import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type Service, startService } from '../support/service.js';

describe('The API’s document', () => {
  let service: Service;
  let document: { paths: Record<string, Record<string, unknown>> };

  beforeAll(async () => {
    service = await startService();
    document = (await (await fetch(`${service.url}/openapi.json`)).json()) as typeof document;
  });

  afterAll(() => service.stop());

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
      'GET /v1/calendar/providers',
      'GET /v1/calendar/settings',
      'GET /v1/calendar/stream',
      'GET /v1/calendar/sync/{id}',
      'PATCH /v1/calendar/settings',
      'POST /v1/calendar/availability',
      'POST /v1/calendar/connections',
      'POST /v1/calendar/connections/{id}/reconnect',
      'POST /v1/calendar/stream/ticket',
      'POST /v1/calendar/sync',
    ]);
  });

  it('can be tried in a browser', async () => {
    const page = await fetch(`${service.url}/docs`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('swagger-ui')]);
  });
});
