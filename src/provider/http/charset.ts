const NAME = /[A-Za-z0-9._:-]{1,40}/;

const labelled = (label: string | undefined): string | null => (label === undefined ? null : (NAME.exec(label)?.[0].toLowerCase() ?? null));

/** The character encoding a `content-type` names (`text/calendar; charset="iso-8859-1"`); null when it names none. */
export const charsetOf = (contentType: string | null): string | null => labelled(/;\s*charset\s*=([^;]*)/i.exec(contentType ?? '')?.[1]);

/** The encoding an XML document declares for itself in its first bytes, read as ASCII (XML 1.0 4.3.3); null when it declares none. */
export const declaredCharset = (beginning: string): string | null =>
  labelled(/^[^<]{0,8}<\?xml[^>]{0,200}\sencoding\s*=\s*["']([^"'>]{1,40})["']/.exec(beginning)?.[1]);
