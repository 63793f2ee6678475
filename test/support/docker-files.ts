import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(`../../docker/${name}`, import.meta.url)), 'utf8');

/** A file of docker/ in YAML or JSON, with what it merges (`<<`) merged. */
export const dockerFile = (name: string): unknown => parse(textOf(name), { merge: true }) as unknown;

type Dashboard = Readonly<{ panels: readonly Readonly<{ title: string; targets?: readonly Readonly<{ expr: string }>[] }>[] }>;
type Alerts = Readonly<{ groups: readonly Readonly<{ rules: readonly Readonly<{ alert: string; expr: string }>[] }>[] }>;

/** Each PromQL expression of the dashboard and of the alerts, by what it is for. */
export const watchedExpressions = (): readonly (readonly [what: string, expression: string])[] => [
  ...(dockerFile('grafana/dashboards/late-or-broken.json') as Dashboard).panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr] as const),
  ),
  ...(dockerFile('alerts.yaml') as Alerts).groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const)),
];
