import { accountChoice, escaped, page, type ShownPerson } from '../oauth/page.js';

/** What the consent page shows. `asking`: the id its form brings back; `action`: where to. */
export type ConsentPage = Readonly<{
  action: string;
  asking: string;
  client: string;
  redirectOrigin: string;
  people: readonly ShownPerson[];
  /** What the client wants, in words. All of it is granted, or nothing. */
  permissions: readonly string[];
}>;

const form = (action: string, asking: string, content: string): string => `<form method="post" action="${escaped(action)}">
<input type="hidden" name="asking" value="${escaped(asking)}">
${content}
</form>`;

const note = (redirectOrigin: string): string =>
  `<p class="note">This is a simulator with made-up people, not Microsoft. You will be sent back to ${escaped(redirectOrigin)}.</p>`;

/** Chooses an account and accepts what the client wants, or cancels. Works without scripts. */
export const consentPage = ({ action, asking, client, redirectOrigin, people, permissions }: ConsentPage): string =>
  page(
    `Sign in to ${client}`,
    `<h1>Permissions requested by ${escaped(client)}</h1>
${note(redirectOrigin)}
${form(
  action,
  asking,
  `<fieldset><legend>Pick an account</legend>
${people.map(accountChoice).join('\n')}
</fieldset>
<p>This app would like to:</p>
<ul>
${permissions.map((words) => `<li>${escaped(words)}</li>`).join('\n')}
</ul>
<p class="note">If you accept, this app gets access to the specified resources.</p>
<div class="buttons">
<button type="submit" name="decision" value="deny" formnovalidate>Cancel</button>
<button type="submit" name="decision" value="allow">Accept</button>
</div>`,
)}`,
  );

/** What somebody sees whose administrator alone may let an application in. */
export const approvalPage = ({ action, asking, client, redirectOrigin }: Omit<ConsentPage, 'people' | 'permissions'>): string =>
  page(
    'Need admin approval',
    `<h1>Need admin approval</h1>
${note(redirectOrigin)}
<p>${escaped(client)} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.</p>
${form(
  action,
  asking,
  `<div class="buttons">
<button type="submit" name="decision" value="return">Return to the application without granting consent</button>
</div>`,
)}`,
  );
