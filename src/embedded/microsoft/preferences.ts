import { refuse } from './answers.js';
import { ianaOf } from './event.js';

/** How a request wants its answer. `pageSize`: of a delta round. */
export type Preferences = Readonly<{ immutable: boolean; zone: string; text: boolean; pageSize: number | null; applied: string | null }>;

const valueOf = (text: string, name: string): string | null => {
  const [, value] = new RegExp(`(?:^|[,;])\\s*${name}\\s*=\\s*"?([^",;]*)"?`, 'i').exec(text) ?? [];
  return value ?? null;
};

/** The `Prefer` header of a request (RFC 7240), as far as calendars know it; an unknown zone is refused. */
export const preferencesOf = (header: string | null): Preferences => {
  const text = header ?? '';
  const zone = valueOf(text, 'outlook[.]timezone');
  const body = valueOf(text, 'outlook[.]body-content-type');
  const id = valueOf(text, 'IdType');
  const size = Number(valueOf(text, 'odata[.]maxpagesize') ?? 0);
  if (zone !== null && ianaOf(zone) === null)
    refuse(
      400,
      'TimeZoneNotSupportedException',
      'A valid TimeZone value must be specified. The following TimeZone value is not supported.',
    );
  const applied = [
    ...(id === 'ImmutableId' ? ['IdType="ImmutableId"'] : []),
    ...(zone === null ? [] : [`outlook.timezone="${zone}"`]),
    ...(body === 'text' || body === 'html' ? [`outlook.body-content-type="${body}"`] : []),
    ...(size > 0 ? [`odata.maxpagesize=${size}`] : []),
  ];
  return {
    immutable: id === 'ImmutableId',
    zone: zone ?? 'UTC',
    text: body === 'text',
    pageSize: size > 0 ? Math.min(size, 1_000) : null,
    applied: applied.length === 0 ? null : applied.join(', '),
  };
};
