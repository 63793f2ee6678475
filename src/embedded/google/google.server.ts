import { type SandboxAnswer, type SandboxRequest } from '../exchange.js';
import { atOnce, type Delivery, serveSandbox } from '../sandbox.http.js';
import { answered, errorAnswer } from './answers.js';
import { apiAnswer } from './api.answers.js';
import { type Place } from './faults.js';
import { authorizer } from './oauth.authorize.js';
import { idTokens } from '../oauth/id-tokens.keys.js';
import { revokeAnswer, tokenAnswer } from './oauth.token.js';
import { sandboxAnswer } from './sandbox.admin.js';
import { type SeenRequest, type World } from './world.js';

const NOT_FOUND = errorAnswer(404, { reason: 'notFound', message: 'Not Found' });

/** RFC 8414, of what there is. */
const discovery = (origin: string) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
  token_endpoint: `${origin}/token`,
  revocation_endpoint: `${origin}/revoke`,
  jwks_uri: `${origin}/oauth2/v3/certs`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  code_challenge_methods_supported: ['plain', 'S256'],
  authorization_response_iss_parameter_supported: true,
});

type Answered = Readonly<{ answer: SandboxAnswer; place: Place | null }>;

type Asked = SandboxRequest & Readonly<{ path: string; query: URLSearchParams }>;

const here = (answer: SandboxAnswer): Answered => ({ answer, place: null });

/** Everything of OAuth; null for another path. */
const oauthOf = (world: World) => {
  const [people, ids] = [authorizer(world), idTokens()];
  return async ({ method, path, query, header, body }: Asked): Promise<Answered | null> => {
    const form = new URLSearchParams(body);
    switch (`${method} ${path}`) {
      case 'GET /o/oauth2/v2/auth':
        return here(people.ask(query));
      case 'POST /o/oauth2/v2/auth':
        return here(people.ask(form));
      case 'POST /o/oauth2/v2/auth/decision':
        return here(people.decide(form));
      case 'POST /token':
        return tokenAnswer(world, ids, header, form);
      case 'POST /revoke':
        return here(revokeAnswer(world, query, form));
      case 'GET /oauth2/v3/certs':
        return here(answered(await ids.certificates()));
      case 'GET /.well-known/openid-configuration':
        return here(answered(discovery(world.origin())));
      default:
        return null;
    }
  };
};

const delivered = ({ faults }: World, { answer, place }: Answered): Delivery => {
  if (place === null) return atOnce(answer);
  const milliseconds = faults.take('slow', place)?.milliseconds ?? 0;
  return { answer, milliseconds, cut: answer.body !== '' && faults.take('cut', place) !== null };
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
    const found = (await oauth(asked)) ?? (path.startsWith('/calendar/v3/') ? apiAnswer(world, asked) : here(NOT_FOUND));
    const delivery = delivered(world, found);
    seen({ method: request.method, path, status: found.answer.status, account: found.place?.account ?? null, cut: delivery.cut });
    return delivery;
  });
};
