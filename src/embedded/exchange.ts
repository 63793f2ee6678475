/** `url` as it came: a path, usually with a query. */
export type SandboxRequest = Readonly<{ method: string; url: string; header: (name: string) => string | null; body: string }>;

/** What a simulator answers to one request. */
export type SandboxAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>;
