import { type AppleSettings } from '../provider/apple/apple-settings.js';
import { type Settings } from './variables.config.js';

/** The variables without all of which there is no sign-in with Apple. */
export const APPLE_CLIENT = ['APPLE_CLIENT_ID', 'APPLE_TEAM_ID', 'APPLE_KEY_ID', 'APPLE_PRIVATE_KEY_FILE'] as const;

/** The client of Sign in with Apple as the variables name it; null when they do not. */
export const apple = (settings: Settings): AppleSettings | null => {
  const { APPLE_CLIENT_ID: clientId, APPLE_TEAM_ID: teamId, APPLE_KEY_ID: keyId, APPLE_PRIVATE_KEY_FILE: privateKey } = settings;
  if (clientId === undefined || teamId === undefined || keyId === undefined || privateKey === undefined) return null;
  const idUrl = (settings.APPLE_ID_URL ?? 'https://appleid.apple.com').replace(/[/]+$/, '');
  return { clientId, teamId, keyId, privateKey, idUrl, caldavUrl: null };
};
