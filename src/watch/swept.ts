/** How a calendar is watched (`$1`); no row where its service tells of no changes. */
export const MODE_SQL = 'select mode from watch_state where calendar_id = $1';

/**
 * Notes at `$2` that a reading which nothing but the time was a reason for has found a change in a calendar (`$1`) that its service is relied on to tell
 * of. Whether the notification was only late shows when it is looked at again.
 */
export const UNTOLD_SQL = `update watch_state set missed_at = coalesce(missed_at, $2), due_at = least(due_at, $2::timestamptz + interval '2 minutes'),
    wake = true
  where calendar_id = $1 and mode = 'pushed'`;
