import { type AsyncApiChannel, type AsyncApiDocument, type AsyncApiMessage } from './asyncapi.document.js';
import { memberRows, type MemberRow } from './schema-rows.js';

type Json = Readonly<Record<string, unknown>>;

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --ground: #f6f8fa; --card: #fff; --line: #d0d7de; --link: #0969da; --mark: #1a7f37; --code: #eff2f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b1; --ground: #0d1117; --card: #161b22; --line: #30363d; --link: #58a6ff; --mark: #3fb950; --code: #21262d; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; padding: 2rem 1.5rem 4rem; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 64rem; margin: 0 auto; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 0.75rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 0.375rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 0.25rem; overflow-wrap: anywhere; }
p { margin: 0 0 0.75rem; max-width: 46rem; }
a { color: var(--link); }
nav { margin: 0 0 1rem; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.875em; }
td code, p code { overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1.5rem; margin-top: 1.5rem; }
article { border-top: 1px solid var(--line); padding-top: 1.25rem; margin-top: 1.25rem; }
dl { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 0.75rem 0 0; }
dt { color: var(--soft); font-size: 0.8125rem; }
dd { margin: 0; font-weight: 600; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: 0.5rem 0 0.75rem; }
th { text-align: left; color: var(--soft); font-size: 0.8125rem; font-weight: 600; }
th, td { padding: 0.375rem 1rem 0.375rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
td:last-child, th:last-child { padding-right: 0; }
th:first-child { width: 34%; }
th:nth-child(2) { width: 26%; }
section > table { margin-bottom: 0; }
section > table tr:last-child > td { border-bottom: 0; }
.direction { color: var(--mark); font-size: 0.8125rem; font-weight: 600; margin: 0 0 0.375rem; }
.kinds { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 1rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
.fine { color: var(--soft); font-size: 0.875rem; }
details summary { cursor: pointer; color: var(--link); font-size: 0.875rem; width: fit-content; }
pre { background: var(--code); border-radius: 0.5rem; padding: 0.875rem 1rem; margin: 0.5rem 0 0; overflow-x: auto; line-height: 1.45; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
@media (max-width: 40rem) {
  body { padding: 1.25rem 0.75rem 3rem; }
  section { padding: 1.125rem 1rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; padding: 0.0625rem 0; border: 0; }
  section > table { margin-top: 0; }
  section > table tr:last-child { border-bottom: 0; padding-bottom: 0; }
  .members td:nth-child(2) { color: var(--soft); font-size: 0.875rem; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); font-size: 0.8125rem; }
}
`;

const LETTERS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => LETTERS[letter] ?? '');
const code = (text: string): string => `<code>${escaped(text)}</code>`;
/** The text with what stands in backticks as code. */
const marked = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const DAY = 86_400_000;

const kept = ({ bindings }: AsyncApiChannel): string => {
  const retention = bindings.kafka.topicConfiguration['retention.ms'];
  if (typeof retention !== 'number') return 'the last of each key';
  const days = retention / DAY;
  return days >= 1 ? `${days} ${days === 1 ? 'day' : 'days'}` : `${retention / 3_600_000} hours`;
};

const memberTable = (rows: readonly MemberRow[]): string => `<table class="members">
<thead><tr><th scope="col">Member</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${rows
  .map(
    ({ name, type, optional, meaning }) =>
      `<tr><td>${code(name)}${optional ? ' <span class="fine">optional</span>' : ''}</td><td>${escaped(type)}</td><td>${marked(meaning)}</td></tr>`,
  )
  .join('\n')}
</tbody>
</table>`;

const dataOf = ({ payload }: AsyncApiMessage): Json => (((payload['properties'] ?? {}) as Json)['data'] ?? {}) as Json;

const messageOf = (message: AsyncApiMessage): string => {
  const rows = memberRows(dataOf(message));
  return `<article id="${escaped(message.name)}">
<h3>${code(message.name)}</h3>
<p>${marked(message.summary)}</p>
${rows.length === 0 ? '<p class="fine">Its <code>data</code> has no members.</p>' : memberTable(rows)}
<details><summary>Example of ${code(message.name)}</summary><pre tabindex="0">${escaped(JSON.stringify(message.examples[0]?.payload, null, 2))}</pre></details>
</article>`;
};

type Topic = Readonly<{ channel: AsyncApiChannel; sent: boolean; key: string; messages: readonly AsyncApiMessage[] }>;

const topicsOf = ({ channels, operations, components }: AsyncApiDocument): readonly Topic[] =>
  Object.entries(channels).map(([id, channel]) => {
    const messages = Object.keys(channel.messages).flatMap((name) => components.messages[name] ?? []);
    const keys = messages.map(({ bindings }) => (bindings['kafka'] as Readonly<{ key: { description: string } }>).key.description);
    return { channel, sent: operations[`send.${id}`] !== undefined, key: keys[0] ?? 'none', messages };
  });

const direction = (sent: boolean): string => (sent ? 'read by other services' : 'written by other services');

const topicRow = ({ channel, sent, key }: Topic): string => {
  const { address, bindings } = channel;
  const cells = [
    ['Key', key],
    ['Kept', kept(channel)],
    ['Partitions', String(bindings.kafka.partitions)],
  ].map(([label, text]) => `<td data-label="${label}">${escaped(text ?? '')}</td>`);
  return `<tr><td><a href="#${escaped(address)}">${code(address)}</a><br><span class="fine">${direction(sent)}</span></td>${cells.join('')}</tr>`;
};

/** Links to the kinds of message, where there are many to look through. */
const kindsOf = (messages: readonly AsyncApiMessage[]): string =>
  messages.length < 2
    ? ''
    : `<ul class="kinds">${messages.map(({ name }) => `<li><a href="#${escaped(name)}">${escaped(name.split('.').at(-2) ?? name)}</a></li>`).join('')}</ul>`;

const topicSection = ({ channel, sent, key, messages }: Topic): string => `<section id="${escaped(channel.address)}">
<h2>${code(channel.address)}</h2>
<p class="direction">${direction(sent)}</p>
<p>${marked(channel.summary)}</p>
<dl>
<div><dt>Key</dt><dd>${escaped(key)}</dd></div>
<div><dt>Kept</dt><dd>${kept(channel)}</dd></div>
<div><dt>Partitions</dt><dd>${channel.bindings.kafka.partitions}</dd></div>
</dl>
${kindsOf(messages)}
${messages.map(messageOf).join('\n')}
</section>`;

/** What every message has around its data, as the first one's schema says it. */
const envelopeSection = (message: AsyncApiMessage | undefined): string => {
  if (message === undefined) return '';
  const rows = memberRows(message.payload)
    .filter(({ name }) => !name.startsWith('data.'))
    .map((row) => (row.name === 'type' ? { ...row, type: 'text', meaning: row.meaning || 'Which kind of message it is.' } : row))
    .map((row) => (row.name === 'source' ? { ...row, type: 'text', meaning: row.meaning || 'Which service says it.' } : row));
  return `<section id="envelope">
<h2>What every message of this service has</h2>
<p>The value is a CloudEvent in JSON; the header <code>content-type</code> is ${code(message.contentType)}, and the header <code>id</code> repeats the id.</p>
${memberTable(rows)}
</section>`;
};

const serversLine = ({ servers = {} }: AsyncApiDocument): string => {
  const hosts = Object.values(servers).map(({ host }) => code(String(host)));
  if (hosts.length === 0)
    return '<p class="fine">This service has no broker that others reach: nothing is published where <code>KAFKA_BROKERS</code> is unset.</p>';
  return `<p class="fine">Brokers: ${hosts.join(', ')} (${Object.values(servers)[0]?.['protocol'] === 'kafka-secure' ? 'TLS' : 'without TLS'}).</p>`;
};

/** The page of the topics: HTML that loads and runs nothing. */
export const topicsPage = (document: AsyncApiDocument): string => {
  const topics = topicsOf(document);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Topics – Smart Calendar Integration</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<nav aria-label="Documents"><a href="/docs">REST API</a> <a href="/asyncapi.json">asyncapi.json</a></nav>
<h1>Topics</h1>
<p>${marked(String(document.info['description']))}</p>
${serversLine(document)}
<section>
<h2>All topics</h2>
<table>
<thead><tr><th scope="col">Topic</th><th scope="col">Key</th><th scope="col">Kept</th><th scope="col">Partitions</th></tr></thead>
<tbody>
${topics.map(topicRow).join('\n')}
</tbody>
</table>
</section>
${envelopeSection(topics[0]?.messages[0])}
${topics.map(topicSection).join('\n')}
</main>
</body>
</html>
`;
};
