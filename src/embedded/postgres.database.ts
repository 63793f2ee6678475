import pg from 'pg';

const isDuplicate = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && (error.code === '42P04' || error.code === '23505');

/**
 * The connection string of a database of that name on the server `url` leads to; created when it is not there. Rejects when the server is out
 * of reach or does not let this user create databases.
 */
export const databaseBeside = async (url: string, name: string): Promise<string> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    // Another process may be creating it just now.
    if (rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(name)}`).catch((error: unknown) => {
        if (!isDuplicate(error)) throw error;
      });
    }
  } finally {
    await client.end();
  }
  const beside = new URL(url);
  beside.pathname = `/${encodeURIComponent(name)}`;
  return beside.href;
};
