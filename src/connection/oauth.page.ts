import { type ProviderName } from '../provider/names.js';
import { type Outcome } from './attempt.commands.js';
import { entryOf } from '../provider/registry.js';
import { nameOf } from './providers.js';

/** What a page says: what happened, why, and what to do next. None of it comes from a request but the two last, which are ids of ours. */
type Said = Readonly<{
  mark: '✓' | '…' | '!';
  title: string;
  text: string;
  next: string;
  code: string | null;
  connectionId: string | null;
}>;

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --ground: #f6f8fa; --card: #fff; --line: #d0d7de; --good: #1a7f37; --bad: #b35900; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b1; --ground: #0d1117; --card: #161b22; --line: #30363d; --good: #3fb950; --bad: #e3a03b; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 32rem; width: 100%; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 2rem; }
h1 { display: flex; gap: 0.5rem; font-size: 1.375rem; line-height: 1.3; margin: 0 0 0.75rem; }
h1 span { color: var(--bad); }
ol { margin: 0 0 1rem; padding-left: 1.25rem; }
li { margin-bottom: 0.375rem; }
form { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.75rem; }
input { display: block; width: 100%; margin-top: 0.25rem; padding: 0.625rem; border: 1px solid var(--line); border-radius: 0.5rem; font: inherit;
  font-weight: 400; background: var(--ground); color: inherit; }
button { min-height: 2.75rem; padding: 0 1.5rem; border: 0; border-radius: 0.5rem; background: var(--ink); color: var(--card); font: inherit;
  font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--good); outline-offset: 2px; }
.refused { border-left: 0.25rem solid var(--bad); padding-left: 0.75rem; }
main[data-kind="connected"] h1 span, main[data-kind="signed-in"] h1 span { color: var(--good); }
p { margin: 0 0 0.75rem; }
p:last-child { margin: 0; }
.fine { color: var(--soft); font-size: 0.875rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
`;

const DONE = {
  connect: 'is connected',
  reconnect: 'is connected again',
  widen: 'may be written to now',
} as const;

const connected = (name: string, { purpose, limited, reached }: Extract<Outcome, { kind: 'connected' }>): Said => ({
  mark: '✓',
  title: `Your ${name} account ${DONE[purpose]}`,
  text: limited
    ? 'You granted reading only, so nothing is ever written to your calendars.'
    : purpose === 'widen'
      ? 'You can switch writing on for each of your calendars.'
      : 'Your calendars are being read; the next thirty days come first.',
  next: 'You can close this window and go back to Juy.',
  code: null,
  connectionId: reached.connectionId,
});

const TITLES: Readonly<Record<string, string>> = {
  'oauth.denied': 'You declined, and nothing was connected',
  'oauth.expired': 'This sign-in is over',
  'oauth.scope-missing': 'A permission is missing',
  'oauth.other-account': 'That was another account',
  'oauth.admin-consent': 'Your organisation has to agree first',
  'connection.exists': 'This account is connected already',
};

const saidOf = (name: string, outcome: Exclude<Outcome, { kind: 'signed-in' }>): Said => {
  switch (outcome.kind) {
    case 'connected':
      return connected(name, outcome);
    case 'pending':
      return {
        mark: '…',
        title: 'One more step: confirm in Juy',
        text: `This sign-in to ${name} was begun in another browser, or this browser keeps no cookies. Nothing is connected yet.`,
        next: `If it was you, go back to Juy and confirm with the code ${outcome.confirm}. If it was not you, close this window, and do not pass the code on.`,
        code: 'oauth.pending',
        connectionId: outcome.connectionId,
      };
    case 'refused':
      return {
        mark: '!',
        title: TITLES[outcome.code] ?? `Your ${name} account could not be connected`,
        text: outcome.detail,
        next: 'Go back to Juy to begin again; this window can be closed.',
        code: outcome.code,
        connectionId: null,
      };
  }
};

const LETTERS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => LETTERS[letter] ?? '');

const fine = ({ code, connectionId }: Said): string => {
  const parts = [...(code === null ? [] : [`Code: <code>${escaped(code)}</code>`])];
  if (connectionId !== null) parts.push(`Connection: <code>${escaped(connectionId)}</code>`);
  return parts.length === 0 ? '' : `<p class="fine">${parts.join(' · ')}</p>`;
};

/** `content`: HTML. */
const page = (kind: Outcome['kind'], { mark, title }: Pick<Said, 'mark' | 'title'>, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} – Juy</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main data-kind="${kind}">
<h1><span aria-hidden="true">${mark}</span>${escaped(title)}</h1>
${content}
</main>
</body>
</html>
`;

/** What the form for the password is shown with. `refused`: why the last one that was given opens nothing, in words; null before one is. */
export type Asked = Readonly<{ attemptId: string; username: string | null; action: string; refused: string | null }>;

/** Asks for the password that opens the account, after its person has signed in. */
export const passwordPage = (provider: ProviderName, { attemptId, username, action, refused }: Asked): string => {
  const { name, words } = entryOf(provider);
  const steps = [
    'Open <a href="https://account.apple.com" target="_blank" rel="noopener noreferrer">account.apple.com</a> and sign in there.',
    'Under “Sign-In and Security” choose “App-Specific Passwords”, and make one named “Juy”.',
    'Copy it, come back to this page, and paste it here.',
  ];
  const why =
    refused === null ? `<p>${escaped(words.signedIn?.reason ?? '')}</p>` : `<p class="refused" role="alert">${escaped(refused)}</p>`;
  return page(
    'signed-in',
    { mark: '…', title: `One more step: a password for ${name}` },
    `${why}
<ol>
${steps.map((step) => `<li>${step}</li>`).join('\n')}
</ol>
<form method="post" action="${escaped(action)}">
<input type="hidden" name="attempt" value="${escaped(attemptId)}">
<label>E-mail address of your Apple Account
<input type="email" name="username" value="${escaped(username ?? '')}" required maxlength="320" autocomplete="username"></label>
<label>App-specific password
<input type="password" name="password" required maxlength="100" autocomplete="off" placeholder="xxxx-xxxx-xxxx-xxxx"></label>
<button type="submit">Connect the calendars</button>
</form>
<p class="fine">It is tried at once, kept encrypted, and used for calendars alone. You can take it back at account.apple.com at any time.</p>`,
  );
};

/** The page a person sees where they are sent back to no web app. It needs no script, and reads well aloud, in the dark and enlarged. */
export const pageOf = (provider: ProviderName, outcome: Outcome): string => {
  if (outcome.kind === 'signed-in') return passwordPage(provider, { ...outcome, refused: null });
  const said = saidOf(nameOf(provider), outcome);
  return page(outcome.kind, said, `<p>${escaped(said.text)}</p>\n<p>${escaped(said.next)}</p>\n${fine(said)}`);
};
