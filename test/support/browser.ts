import { type Api } from './api.js';

/** What came back: nothing is followed. */
export type Shown = Readonly<{ status: number; headers: Headers; body: unknown; text: string }>;

/** A browser of one person, with its own cookies, kept by the paths they are for. */
export type Browser = Readonly<{
  request: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Shown>;
  /** Opens an address without a token, as a vendor's redirect does. */
  open: (url: string, options?: RequestInit) => Promise<Shown>;
  cookies: () => readonly string[];
}>;

const pathOf = (cookie: string): string => /; Path=([^;]+)/i.exec(cookie)?.[1] ?? '/';

export const browserAt = async ({ url, token }: Pick<Api, 'url' | 'token'>, userId: string): Promise<Browser> => {
  const bearer = await token(userId);
  const jar: string[] = [];
  const fetched = async (address: string, options: RequestInit): Promise<Shown> => {
    const { pathname } = new URL(address);
    const cookie = jar.filter((each) => pathname.startsWith(pathOf(each))).map((each) => each.replace(/;.*$/s, ''));
    const headers = { ...(options.headers as Record<string, string>), ...(cookie.length === 0 ? {} : { cookie: cookie.join('; ') }) };
    const answer = await fetch(address, { ...options, headers, redirect: 'manual' });
    jar.push(...answer.headers.getSetCookie());
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : null };
  };
  return {
    request: (method, path, body, headers = {}) =>
      fetched(url + path, {
        method,
        headers: { authorization: `Bearer ${bearer}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    open: (address, options = {}) => fetched(address, options),
    cookies: () => jar,
  };
};
