import { accountChoice, escaped, page, type ShownPerson } from '../oauth/page.js';

/** What the page shows. `asking`: the id its form brings back. `asksEmail`: whether the client asked for an address. */
export type SignInPage = Readonly<{ asking: string; client: string; people: readonly ShownPerson[]; asksEmail: boolean }>;

const emailChoice = (value: 'share' | 'hide', words: string, note: string): string =>
  `<label><input type="radio" name="email" value="${value}"${value === 'share' ? ' checked' : ''}>
<span>${words}<small>${note}</small></span></label>`;

/** Chooses a person, and whether the client gets their address. Works without scripts. */
export const signInPage = ({ asking, client, people, asksEmail }: SignInPage): string =>
  page(
    `Sign in to ${client}`,
    `<h1>Use your account to sign in to ${escaped(client)}</h1>
<p class="note">This is a simulator with made-up people, not Apple.</p>
<form method="post" action="/auth/decision">
<input type="hidden" name="asking" value="${escaped(asking)}">
<fieldset><legend>Choose an account</legend>
${people.map(accountChoice).join('\n')}
</fieldset>
${
  asksEmail
    ? `<fieldset><legend>E-mail address</legend>
${emailChoice('share', 'Share my address', 'The application sees it')}
${emailChoice('hide', 'Hide my address', 'The application gets one that forwards to it')}
</fieldset>`
    : ''
}
<div class="buttons">
<button type="submit" name="decision" value="deny" formnovalidate>Cancel</button>
<button type="submit" name="decision" value="allow">Continue</button>
</div>
</form>`,
  );

/** Posts the answer to the client by itself, as Apple's page does, or by a button where scripts do not run. `script`: what it runs. */
export const postingPage = (target: string, fields: Readonly<Record<string, string>>, script: string): string =>
  page(
    'One moment',
    `<form method="post" action="${escaped(target)}">
${Object.entries(fields)
  .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
  .join('\n')}
<div class="buttons"><button type="submit" value="allow">Continue</button></div>
</form>
<script>${script}</script>`,
  );
