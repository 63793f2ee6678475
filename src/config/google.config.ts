import { type GoogleSettings } from '../provider/google/google-settings.js';
import { type Settings } from './variables.config.js';

/** The variables that say where Google is. */
export const GOOGLE_URLS = ['GOOGLE_AUTH_URL', 'GOOGLE_TOKEN_URL', 'GOOGLE_REVOKE_URL', 'GOOGLE_API_URL'] as const;

/** Google as the variables name it; null when they do not. */
export const google = ({ GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, ...settings }: Settings): GoogleSettings | null => {
  if (GOOGLE_CLIENT_ID === undefined || GOOGLE_CLIENT_SECRET === undefined) return null;
  return {
    clientId: GOOGLE_CLIENT_ID,
    clientSecret: GOOGLE_CLIENT_SECRET,
    authUrl: settings.GOOGLE_AUTH_URL ?? 'https://accounts.google.com/o/oauth2/v2/auth',
    tokenUrl: settings.GOOGLE_TOKEN_URL ?? 'https://oauth2.googleapis.com/token',
    revokeUrl: settings.GOOGLE_REVOKE_URL ?? 'https://oauth2.googleapis.com/revoke',
    apiUrl: (settings.GOOGLE_API_URL ?? 'https://www.googleapis.com').replace(/[/]+$/, ''),
  };
};
