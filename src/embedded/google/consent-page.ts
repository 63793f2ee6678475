import { accountChoice, escaped, page, type ShownPerson } from '../oauth/page.js';

/** What the consent page shows. `asking`: the id its form brings back. */
export type ConsentPage = Readonly<{
  asking: string;
  client: string;
  redirectOrigin: string;
  people: readonly ShownPerson[];
  scopes: readonly Readonly<{ scope: string; words: string }>[];
}>;

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
${people.map(accountChoice).join('\n')}
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
