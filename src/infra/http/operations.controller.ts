import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { z } from 'zod';
import { HEALTH_CHECKS, type HealthChecks } from '../../kernel/health.js';
import { METRICS } from '../../kernel/metrics.js';
import { type PrometheusMetrics } from '../metrics.prometheus.js';
import { Answers } from './answers.openapi.js';
import { Public, Unlimited } from './auth.guard.js';

const Check = z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() });
const Liveness = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Liveness', example: { status: 'ok' } });
const Readiness = z.strictObject({ status: z.enum(['ok', 'failing']), checks: z.array(Check) }).meta({
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

/** What operators and their probes ask. */
@Public()
@Unlimited()
@ApiTags('operations')
@Controller()
export class OperationsController {
  constructor(
    @Inject(HEALTH_CHECKS) private readonly checks: HealthChecks,
    @Inject(METRICS) private readonly metrics: PrometheusMetrics,
  ) {}

  @Get('health/live')
  @ApiOperation({ summary: 'Whether the process runs' })
  @Answers(200, Liveness, 'The process runs.')
  live(): z.output<typeof Liveness> {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Whether it can work' })
  @Answers(200, Readiness, 'Everything this process depends on works.')
  @Answers(503, Readiness, 'Something it depends on does not; the checks say what.')
  async ready(@Res({ passthrough: true }) response: Response): Promise<z.output<typeof Readiness>> {
    const checks = await this.checks.run();
    const ok = checks.every((check) => check.ok);
    response.status(ok ? 200 : 503);
    return { status: ok ? 'ok' : 'failing', checks: [...checks] };
  }

  @Get('metrics')
  @ApiProduces('text/plain')
  @ApiOperation({ summary: 'Measurements' })
  @Answers(200, Page, 'Metrics in the text format of Prometheus.')
  async scrape(@Res({ passthrough: true }) response: Response): Promise<string> {
    response.type(this.metrics.contentType);
    return this.metrics.page();
  }
}
