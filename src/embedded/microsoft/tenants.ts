import { PERSONAL_TENANT } from './account.js';
import { type Person } from './mailboxes.js';

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether an address names a tenant: one of Entra's three groups of tenants, or a tenant by its id. */
export const isTenant = (name: string): boolean => ['common', 'organizations', 'consumers'].includes(name) || GUID.test(name);

/** Whether an account signs in there. */
export const isOfTenant = ({ tenant }: Pick<Person, 'tenant'>, name: string): boolean => {
  if (name === 'common') return true;
  const isPersonal = tenant === PERSONAL_TENANT;
  if (name === 'consumers') return isPersonal;
  return name === 'organizations' ? !isPersonal : tenant === name.toLowerCase();
};

/** The issuer that an openid-configuration names; of several tenants it is a template. */
export const issuerOf = (origin: string, name: string): string => {
  const tenant = name === 'consumers' ? PERSONAL_TENANT : name === 'common' || name === 'organizations' ? '{tenantid}' : name;
  return `${origin}/${tenant}/v2.0`;
};
