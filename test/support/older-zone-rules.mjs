// Loaded before the service by NODE_OPTIONS=--import: gives it the zone rules of a program from before British Columbia stayed on summer time.
import { register } from 'node:module';

const hooks = `
  const rulesOf = (source, name) => new RegExp('^' + name + '(?:,[^|]*)?\\\\|(.*)$', 'm').exec(source)[1];
  export const load = async (url, context, next) => {
    const loaded = await next(url, context);
    const source = String(loaded.source);
    if (!source.includes('ZONE_RULES_RELEASED = ')) return loaded;
    const older = source
      .replace(rulesOf(source, 'America/Vancouver'), rulesOf(source, 'America/Los_Angeles'))
      .replace(/ZONE_RULES_VERSION = "[^"]*"/, "ZONE_RULES_VERSION = '2025c'")
      .replace(/ZONE_RULES_RELEASED = "[^"]*"/, "ZONE_RULES_RELEASED = '2025-12-10'");
    return { ...loaded, source: older };
  };
`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
