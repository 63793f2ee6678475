import { type MicrosoftSettings } from '../provider/microsoft/microsoft-settings.js';
import { type Settings } from './variables.config.js';

/** The variables that say where Microsoft is. */
export const MICROSOFT_URLS = ['MICROSOFT_LOGIN_URL', 'MICROSOFT_GRAPH_URL'] as const;

/** Microsoft as the variables name it; null when they do not. */
export const microsoft = ({ MICROSOFT_CLIENT_ID, MICROSOFT_CLIENT_SECRET, ...settings }: Settings): MicrosoftSettings | null => {
  if (MICROSOFT_CLIENT_ID === undefined || MICROSOFT_CLIENT_SECRET === undefined) return null;
  return {
    clientId: MICROSOFT_CLIENT_ID,
    clientSecret: MICROSOFT_CLIENT_SECRET,
    tenant: settings.MICROSOFT_TENANT ?? 'common',
    loginUrl: settings.MICROSOFT_LOGIN_URL ?? 'https://login.microsoftonline.com',
    graphUrl: settings.MICROSOFT_GRAPH_URL ?? 'https://graph.microsoft.com',
  };
};
