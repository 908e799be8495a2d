/** Prints a new API key and its hash: the operator's first key goes into the secret BOOTSTRAP_KEY_HASH as its hash. */
import { generateKey, hashKey } from '../shared/keys.ts';

const { key } = generateKey();
console.log(`key   ${key}\nhash  ${await hashKey(key)}`);
