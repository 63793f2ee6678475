import { z } from 'zod';
import { type SandboxAnswer } from '../exchange.js';
import { type Json } from '../json.js';
import { graphAnswer, type GraphAnswer, type GraphRequest, refusedWith } from './graph.answers.js';
import { type World } from './world.js';

/** The most requests of one batch. */
const MOST = 20;

const Batch = z.object({
  requests: z
    .array(
      z.object({
        id: z.string(),
        method: z.string(),
        url: z.string(),
        headers: z.record(z.string(), z.string()).optional(),
        body: z.unknown().optional(),
        dependsOn: z.array(z.string()).optional(),
      }),
    )
    .min(1)
    .max(MOST),
});

type Item = z.infer<typeof Batch>['requests'][number];

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

const requestOf = (world: World, { header }: GraphRequest, { method, url, headers = {}, body }: Item): GraphRequest => {
  const { pathname: path, searchParams: query } = new URL(`/v1.0/${url.replace(/^\//, '')}`, world.origin());
  const own = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method,
    path,
    query,
    header: (name) => own.get(name) ?? (name === 'authorization' ? header(name) : null),
    body: body === undefined ? '' : JSON.stringify(body),
  };
};

const responseOf = ({ id }: Item, { status, headers, body }: SandboxAnswer): Json => ({
  id,
  status,
  headers,
  ...(body === '' ? {} : { body: parsed(body) }),
});

const FAILED_DEPENDENCY = { status: 424, code: 'FailedDependency', message: 'A request this one depends on has failed.' };

/** `POST /v1.0/$batch`: each request is answered by itself, and the answers come in no order. */
export const batchAnswer = async (world: World, request: GraphRequest): Promise<GraphAnswer> => {
  const batch = Batch.safeParse(parsed(request.body));
  const refusal = {
    status: 400,
    code: 'BadRequest',
    message: `A batch has between 1 and ${MOST} requests, each with an id, a method and a url.`,
  };
  if (!batch.success) return { answer: refusedWith(world, request, refusal), place: null };
  const failed = new Set<string>();
  const responses: Json[] = [];
  for (const item of batch.data.requests) {
    const isHeldUp = (item.dependsOn ?? []).some((id) => failed.has(id));
    const asked = requestOf(world, request, item);
    const answer = isHeldUp ? refusedWith(world, asked, FAILED_DEPENDENCY) : (await graphAnswer(world, asked)).answer;
    if (answer.status >= 400) failed.add(item.id);
    responses.unshift(responseOf(item, answer));
  }
  return { answer: { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ responses }) }, place: null };
};
