/** Half-open span of instants `[start, end)`, both RFC 3339 in UTC. */
export type TimeRange = Readonly<{ start: string; end: string }>;
