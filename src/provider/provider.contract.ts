import { z } from 'zod';
import { PROVIDER_NAMES } from './names.js';

export const ProviderName = z.enum(PROVIDER_NAMES).meta({ id: 'Provider' });
