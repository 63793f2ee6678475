import { createHash } from 'node:crypto';
import { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';

type Directives = Readonly<Record<string, readonly string[]>>;

/** Data to be read by programs: a browser that shows it loads and runs nothing. */
const DATA: Directives = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };

/** The page of the API's document: its own scripts, and styles and pictures that the scripts write into it. `servers`: where it may try requests. */
const documentPage = (servers: readonly string[]): Directives => ({
  ...DATA,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'", ...servers],
  baseUri: ["'none'"],
  formAction: ["'none'"],
});

/** A page of ours: what comes from this origin, and nothing that is written into the page. */
const PAGE: Directives = {
  ...DATA,
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
};

const policyOf = (directives: Directives): string =>
  Object.entries(directives)
    .map(([name, sources]) => `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${sources.join(' ')}`)
    .join(';');

/** Makes an answer a problem's, which is data at every path. */
export const asData = (response: Response): void => {
  response.setHeader('Content-Security-Policy', policyOf(DATA));
};

/** Makes an answer a page that loads and runs nothing; `style`: the whole of its one style sheet, which it holds. `forms`: where its forms may lead. */
export const asPage = (response: Response, style: string, forms: "'none'" | "'self'" = "'none'"): void => {
  const hash = createHash('sha256').update(style).digest('base64');
  const directives = { ...DATA, styleSrc: [`'sha256-${hash}'`], baseUri: ["'none'"], formAction: [forms] };
  response.setHeader('Content-Security-Policy', policyOf(directives));
};

/** What answers at paths may load, the first match counts. Express compares paths without regard to case, so this table does too. */
const policies = (servers: readonly string[]): readonly Readonly<{ at: RegExp; directives: Directives }>[] => [
  { at: /^[/](?:v1|health|metrics|openapi[.]json|asyncapi[.]json)(?:[/]|$)/i, directives: DATA },
  { at: /^[/]docs(?:[/]|$)/i, directives: documentPage(servers) },
  { at: /^[/]/, directives: PAGE },
];

const YEAR = 31_536_000;

const protecting = (directives: Directives, secure: boolean): RequestHandler =>
  helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    frameguard: { action: 'deny' },
    // Only this host is ours to speak for.
    strictTransportSecurity: secure && { maxAge: YEAR, includeSubDomains: false },
  });

type Settings = Readonly<{ secure: boolean; publicUrl: string | null }>;

/** Express middleware: headers that keep browsers from caching, sniffing or framing what is answered, and a policy by path of what it may load. */
export const protectAnswers = ({ secure, publicUrl }: Settings): RequestHandler => {
  const servers = publicUrl === null ? [] : [new URL(publicUrl).origin];
  const table = policies(servers).map(({ at, directives }) => ({ at, protect: protecting(directives, secure) }));
  const otherwise = protecting(DATA, secure);
  return (request: Request, response: Response, next: NextFunction): void => {
    response.setHeader('Cache-Control', 'no-store');
    const { protect } = table.find(({ at }) => at.test(request.path)) ?? { protect: otherwise };
    protect(request, response, next);
  };
};
