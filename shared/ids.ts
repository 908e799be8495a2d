import { toHex } from './digest.ts';

/** 128 random bits as 32 hex digits: an id nobody guesses and nobody else has. */
export const randomId = (): string => toHex(crypto.getRandomValues(new Uint8Array(16)));
