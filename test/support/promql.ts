const AROUND = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g;
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset']);

/** The metrics that a PromQL expression reads; of a histogram its own name, whichever of its series is read. */
export const metricsIn = (expression: string): readonly string[] =>
  [...expression.replace(AROUND, ' ').matchAll(/[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !KEYWORDS.has(name))
    .map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
