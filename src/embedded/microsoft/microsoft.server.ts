import { type SandboxAnswer, type SandboxRequest } from '../exchange.js';
import { idTokens } from '../oauth/id-tokens.keys.js';
import { atOnce, type Delivery, serveSandbox } from '../sandbox.http.js';
import { type Place } from './faults.js';
import { graphAnswer } from './graph.answers.js';
import { batchAnswer } from './graph.batch.js';
import { answered } from './oauth.answers.js';
import { authorizer } from './oauth.authorize.js';
import { tokenEndpoint } from './oauth.token.js';
import { sandboxAnswer } from './sandbox.admin.js';
import { issuerOf, isTenant } from './tenants.js';
import { type SeenRequest, type World } from './world.js';

const NOT_FOUND: SandboxAnswer = { status: 404, headers: {}, body: '' };

/** What Entra publishes about a tenant, or about all of them. */
const discovery = (origin: string, tenant: string) => ({
  token_endpoint: `${origin}/${tenant}/oauth2/v2.0/token`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
  response_modes_supported: ['query', 'fragment', 'form_post'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
  response_types_supported: ['code'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  issuer: issuerOf(origin, tenant),
  request_uri_parameter_supported: false,
  userinfo_endpoint: `${origin}/oidc/userinfo`,
  authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
  claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'ver', 'email'],
});

type Answered = Readonly<{ answer: SandboxAnswer; place: Place | null }>;

type Asked = SandboxRequest & Readonly<{ path: string; query: URLSearchParams }>;

const here = (answer: SandboxAnswer): Answered => ({ answer, place: null });

/** Everything of OAuth; null for another path. */
const oauthOf = (world: World) => {
  const ids = idTokens();
  const [people, token] = [authorizer(world), tokenEndpoint(world, ids)];
  return async ({ method, path, query, header, body }: Asked): Promise<Answered | null> => {
    const [, tenant = '', rest = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    if (!isTenant(tenant)) return null;
    const form = new URLSearchParams(body);
    switch (`${method} ${rest}`) {
      case 'GET oauth2/v2.0/authorize':
        return here(people.ask(tenant, query));
      case 'POST oauth2/v2.0/authorize/decision':
        return here(people.decide(tenant, form));
      case 'POST oauth2/v2.0/token':
        return token({ tenant, header, form });
      case 'GET discovery/v2.0/keys':
        return here(answered(await ids.certificates()));
      case 'GET v2.0/.well-known/openid-configuration':
        return here(answered(discovery(world.origin(), tenant)));
      default:
        return null;
    }
  };
};

/** Everything of Graph; null for another path. */
const graphOf = (world: World, asked: Asked): Promise<Answered> | null => {
  if (!asked.path.startsWith('/v1.0/')) return null;
  return asked.method === 'POST' && asked.path === '/v1.0/$batch' ? batchAnswer(world, asked) : graphAnswer(world, asked);
};

/** Counts a request of a person as under way until its answer is sent. */
const counted = ({ underWay }: World, { answer, place }: Answered): (() => void) => {
  const account = place?.account ?? null;
  if (account === null || place?.on === 'token' || answer.status === 429) return () => undefined;
  const add = (many: number): void => void underWay.set(account, (underWay.get(account) ?? 0) + many);
  add(1);
  return () => {
    add(-1);
  };
};

const delivered = (world: World, found: Answered): Delivery => {
  const { answer, place } = found;
  if (place === null) return atOnce(answer);
  const milliseconds = world.faults.take('slow', place)?.milliseconds ?? 0;
  const cut = answer.body !== '' && world.faults.take('cut', place) !== null;
  return { answer, milliseconds, cut, sent: counted(world, found) };
};

/** The HTTP server of a world, until it is closed. `seen`: told of every request but the simulator's own. */
export const serve = (world: World, port: number, seen: (request: SeenRequest) => void): ReturnType<typeof serveSandbox> => {
  const oauth = oauthOf(world);
  return serveSandbox(port, async (request) => {
    if (!URL.canParse(request.url, world.origin())) return atOnce(NOT_FOUND);
    const { pathname: path, searchParams: query } = new URL(request.url, world.origin());
    const asked: Asked = { ...request, path, query };
    const own = sandboxAnswer(world, asked);
    if (own !== null) return atOnce(own);
    const found = (await oauth(asked)) ?? (await graphOf(world, asked)) ?? here(NOT_FOUND);
    const { method, header } = request;
    const delivery = delivered(world, found);
    const account = found.place?.account ?? null;
    const underWay = world.underWay.get(account ?? '') ?? 0;
    seen({ method, path, status: found.answer.status, account, prefer: header('prefer'), underWay, cut: delivery.cut });
    return delivery;
  });
};
