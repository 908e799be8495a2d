/** Prints a new key for signing manifests: the secret SIGNING_KEY of the control Worker, and what the edge trusts. */
import { generateSigningKey } from '../shared/signature.ts';

const { privateKey, trusted } = await generateSigningKey();
console.log(`SIGNING_KEY          ${privateKey}\nSIGNING_PUBLIC_KEYS  ${JSON.stringify([trusted])}`);
