import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { outcomeOf } from '../outcome.js';

// Spans go to the OpenTelemetry SDK that the process was started with (`NODE_OPTIONS=--import …`); without one they cost next to nothing.
const tracer = () => trace.getTracer('smart-calendar-integration');

const end = (span: Span, error: unknown): void => {
  // Without the message, which may quote data.
  if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: outcomeOf(error) });
  span.end();
};

/** Runs work, and all it starts, in a span. Names and attributes are few and bounded, and never personal. */
export const inSpan = async <T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> =>
  tracer().startActiveSpan(name, { attributes }, async (span) => {
    try {
      const result = await work();
      end(span, null);
      return result;
    } catch (error) {
      end(span, error);
      throw error;
    }
  });

/** A span over something that goes on while others work. `within` runs one step of it. */
export const openSpan = (name: string, attributes: Attributes) => {
  const span = tracer().startSpan(name, { attributes });
  const inside = trace.setSpan(context.active(), span);
  return {
    within: <T>(step: () => T): T => context.with(inside, step),
    close: (error: unknown): void => {
      end(span, error);
    },
  };
};

const uuidOf = (traceId: string): string => traceId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** A span of a request, below the one its caller names in `traceparent`, unless an instrumentation of the HTTP server made one already. */
export const openRequestSpan = (method: string, headers: Readonly<Record<string, unknown>>) => {
  const outer = trace.getSpan(context.active()) === undefined ? propagation.extract(context.active(), headers) : context.active();
  const span = tracer().startSpan(method, { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } }, outer);
  const inside = trace.setSpan(outer, span);
  const { traceId } = span.spanContext();
  return {
    /** The trace's id as a UUID; null without a tracing SDK. */
    traceId: trace.isSpanContextValid(span.spanContext()) ? uuidOf(traceId) : null,
    within: (work: () => void): void => {
      context.with(inside, work);
    },
    close: (route: string, status: string, correlationId: string): void => {
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': Number(status) || 0, 'correlation.id': correlationId });
      if (status.startsWith('5')) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
};
