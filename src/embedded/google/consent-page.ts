/** What the consent page shows. `asking`: the id its form brings back. */
export type ConsentPage = Readonly<{
  asking: string;
  client: string;
  redirectOrigin: string;
  people: readonly Readonly<{ email: string; fullName: string; chosen: boolean }>[];
  scopes: readonly Readonly<{ scope: string; words: string }>[];
}>;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --paper: #fff; --back: #f4f6f8; --line: #d1d9e0; --strong: #0b57d0; --on: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --quiet: #9aa5b1; --paper: #161b22; --back: #0d1117; --line: #30363d; --strong: #a8c7fa; --on: #062e6f; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 34rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 1rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.note { color: var(--quiet); font-size: .875rem; }
fieldset { margin: 0 0 1.25rem; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin-bottom: .5rem; font-weight: 600; }
label { display: flex; gap: .75rem; align-items: flex-start; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; }
label + label { margin-top: .5rem; }
label:hover { border-color: var(--strong); }
input { width: 1.125rem; height: 1.125rem; margin: .2rem 0 0; accent-color: var(--strong); }
small { display: block; color: var(--quiet); overflow-wrap: anywhere; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; }
button { min-height: 2.75rem; padding: 0 1.5rem; border: 1px solid var(--line); border-radius: 1.375rem; background: none; color: inherit; font: inherit; cursor: pointer; }
button[value=allow] { background: var(--strong); border-color: var(--strong); color: var(--on); font-weight: 600; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
`;

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;

const account = ({ email, fullName, chosen }: ConsentPage['people'][number]): string =>
  `<label><input type="radio" name="account" value="${escaped(email)}" required${chosen ? ' checked' : ''}>
<span>${escaped(fullName)}<small>${escaped(email)}</small></span></label>`;

const scopeBox = ({ scope, words }: ConsentPage['scopes'][number]): string =>
  `<label><input type="checkbox" name="scope" value="${escaped(scope)}" checked>
<span>${escaped(words)}<small>${escaped(scope.slice(scope.lastIndexOf('/') + 1))}</small></span></label>`;

/** Chooses an account and what it lets the client do. Works without scripts. */
export const consentPage = ({ asking, client, redirectOrigin, people, scopes }: ConsentPage): string =>
  page(
    `Sign in to ${client}`,
    `<h1>${escaped(client)} wants access to a calendar account</h1>
<p class="note">This is a simulator with made-up people, not Google. You will be sent back to ${escaped(redirectOrigin)}.</p>
<form method="post" action="/o/oauth2/v2/auth/decision">
<input type="hidden" name="asking" value="${escaped(asking)}">
<fieldset><legend>Choose an account</legend>
${people.map(account).join('\n')}
</fieldset>
${
  scopes.length === 0
    ? ''
    : `<fieldset><legend>Select what ${escaped(client)} may do</legend>
${scopes.map(scopeBox).join('\n')}
</fieldset>`
}
<div class="buttons">
<button type="submit" name="decision" value="deny" formnovalidate>Deny</button>
<button type="submit" name="decision" value="allow">Allow</button>
</div>
</form>`,
  );

/** What a person sees who is not sent back: the client is unknown, or asked in a way that is not answered. */
export const refusalPage = (status: number, error: string, words: string): string =>
  page(
    'Access blocked',
    `<h1>Access blocked: the request is invalid</h1>
<p>${escaped(words)}</p>
<p class="note">Error ${status}: ${escaped(error)}</p>`,
  );
