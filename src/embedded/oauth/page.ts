/** A made-up person on a page where an account is chosen. */
export type ShownPerson = Readonly<{ email: string; fullName: string; chosen: boolean }>;

/** Those there are, the one a client hints at chosen, else the first. */
export const shownPeople = (people: readonly Omit<ShownPerson, 'chosen'>[], hint: string | null): readonly ShownPerson[] => {
  const hinted = people.some(({ email }) => email === hint) ? hint : (people[0]?.email ?? null);
  return people.map(({ email, fullName }) => ({ email, fullName, chosen: email === hinted }));
};

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

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
input { flex: none; width: 1.125rem; height: 1.125rem; margin: .2rem 0 0; accent-color: var(--strong); }
small { display: block; color: var(--quiet); overflow-wrap: anywhere; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; }
button { min-height: 2.75rem; padding: 0 1.5rem; border: 1px solid var(--line); border-radius: 1.375rem; background: none; color: inherit; font: inherit; cursor: pointer; }
button[value=allow] { background: var(--strong); border-color: var(--strong); color: var(--on); font-weight: 600; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
`;

/** A page of a simulator; works without scripts. */
export const page = (title: string, content: string): string => `<!doctype html>
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

/** A choice of an account. */
export const accountChoice = ({ email, fullName, chosen }: ShownPerson): string =>
  `<label><input type="radio" name="account" value="${escaped(email)}" required${chosen ? ' checked' : ''}>
<span>${escaped(fullName)}<small>${escaped(email)}</small></span></label>`;

/** What a person sees who is not sent back: the client is unknown, or asked in a way that is not answered. */
export const refusalPage = (status: number, error: string, words: string): string =>
  page(
    'Access blocked',
    `<h1>Access blocked: the request is invalid</h1>
<p>${escaped(words)}</p>
<p class="note">Error ${status}: ${escaped(error)}</p>`,
  );
