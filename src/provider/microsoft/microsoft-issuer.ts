import { type MicrosoftSettings } from './microsoft-settings.js';

/** The tenant of all personal accounts (learn.microsoft.com/entra/identity-platform/id-token-claims-reference). */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const ENTRA = 'https://login.microsoftonline.com';

/** Whether accounts of the tenant `tid` may sign in at `tenant`. A tenant that is named by a domain answers for its own accounts alone. */
const isOf = (tenant: string, tid: string): boolean => {
  const named = tenant.toLowerCase();
  if (named === 'organizations') return tid !== PERSONAL;
  if (named === 'consumers') return tid === PERSONAL;
  return !GUID.test(named) || named === tid;
};

/**
 * The issuer of tokens of an account of the tenant `tid`: what is asked at `common` is answered by each account's own tenant. Null for a tenant that
 * cannot be one, or of which no account may sign in here. `claimed`: the issuer that a token names, which at Entra itself may be told by its public name.
 */
export const issuerFor = ({ loginUrl, tenant }: MicrosoftSettings, tid: unknown, claimed: unknown): string | null => {
  if (typeof tid !== 'string' || !GUID.test(tid) || !isOf(tenant, tid)) return null;
  const elsewhere = `${ENTRA}/${tid}/v2.0`;
  return claimed === elsewhere ? elsewhere : `${loginUrl}/${tid}/v2.0`;
};
