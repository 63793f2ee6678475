import { Controller, Get, Inject, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from './openapi.decorators.js';
import { type Response } from 'express';
import { z } from 'zod';
import { type Clock, CLOCK, SECOND } from '../../kernel/clock.js';
import { HEALTH_CHECKS, type HealthChecks } from '../../kernel/health.js';
import { METRICS } from '../../kernel/metrics.js';
import { type PrometheusMetrics } from '../telemetry/metrics.prometheus.js';
import { Answers } from './answers.openapi.js';
import { Public } from './auth.guard.js';
import { Unlimited } from './limits.guard.js';
import { OperationsGuard } from './operations.server.js';
import { sharedAnswer } from '../../kernel/shared-answer.js';

const Check = z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() });
const Liveness = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Liveness', example: { status: 'ok' } });
const Readiness = z.strictObject({ status: z.enum(['ok', 'partial', 'failing']), checks: z.array(Check) }).meta({
  id: 'Readiness',
  example: {
    status: 'ok',
    checks: [
      { name: 'database', ok: true },
      { name: 'event store', ok: true },
      { name: 'projection user_calendar_events', ok: true, detail: 'live' },
    ],
  },
});
const Page = z.string().meta({ example: '# TYPE events_appended_total counter\nevents_appended_total{type="DeltaSynced"} 42\n' });

/** What operators and their probes ask; answers that cost something are shared for a second. */
@Public()
@Unlimited()
@UseGuards(OperationsGuard)
@ApiTags('operations')
@Controller()
export class OperationsController {
  private readonly found: HealthChecks['run'];
  private readonly page: PrometheusMetrics['page'];

  constructor(
    @Inject(HEALTH_CHECKS) checks: HealthChecks,
    @Inject(METRICS) private readonly metrics: PrometheusMetrics,
    @Inject(CLOCK) { now }: Clock,
  ) {
    this.found = sharedAnswer(SECOND, now, checks.run);
    this.page = sharedAnswer(SECOND, now, metrics.page);
  }

  @Get('health/live')
  @ApiOperation({ summary: 'Whether the process runs' })
  @Answers(200, Liveness, 'The process runs.')
  live(): z.output<typeof Liveness> {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Whether it can work' })
  @Answers(200, Readiness, 'Everything this process depends on works; `partial`: but for what lets it do all else.')
  @Answers(503, Readiness, 'Something it depends on does not; the checks say what.')
  async ready(@Res({ passthrough: true }) response: Response): Promise<z.output<typeof Readiness>> {
    const checks = await this.found();
    const ill = checks.filter((check) => !check.ok);
    const isFailing = ill.some((check) => check.isPartial !== true);
    response.status(isFailing ? 503 : 200);
    const status = isFailing ? 'failing' : ill.length === 0 ? 'ok' : 'partial';
    return { status, checks: checks.map(({ isPartial: _, ...check }) => check) };
  }

  @Get('metrics')
  @ApiProduces('text/plain')
  @ApiOperation({ summary: 'Measurements' })
  @Answers(200, Page, 'Metrics in the text format of Prometheus.')
  async scrape(@Res({ passthrough: true }) response: Response): Promise<string> {
    response.type(this.metrics.contentType);
    return this.page();
  }
}
