const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex, two digits a byte. */
export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => hexDigits[byte]).join('');

/** SHA-256 in lower-case hex, by WebCrypto. Text is hashed as UTF-8. */
export async function sha256Hex(content: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/**
 * Whether two strings are equal, in a time that depends on their lengths only: for digests of secrets.
 * A comparison that stops at the first difference would tell an attacker how much of a guess was right.
 */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
