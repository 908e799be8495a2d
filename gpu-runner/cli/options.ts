import { InvalidArgumentError, Option, type Command } from 'commander';
import { TrunklineClient } from '../../client/client.ts';
import { bytesAllowed, parseBytes } from '../runner/parseBytes.ts';
import { remoteAccess, type RemoteOptions } from './config.ts';
import type { CommandContext } from './context.ts';

export interface JsonOption {
  readonly json?: boolean;
}

/** Every command answers people and, with --json, programs. */
export const withJson = (command: Command): Command => command.option('--json', 'answer as JSON');

/** For commands that ask the control Worker. */
export const withRemote = (command: Command): Command =>
  withJson(command.option('--url <url>', 'of the service (default: TRUNKLINE_URL, or where you logged in)'));

/** Before a request is repeated, in milliseconds. */
const retryDelayMs = 250;

/** The service that `options` name, with the key for it. */
export async function connect(context: CommandContext, options: RemoteOptions): Promise<TrunklineClient> {
  const { url, key } = await remoteAccess(context.env, options);
  // Somebody waits: a service that is down is told within seconds.
  return new TrunklineClient({ url, key, signal: context.signal, retryDelayMs });
}

/** Prints `value` as JSON, or what `table` makes of it. */
export function answer<T>(
  context: CommandContext,
  { json }: JsonOption,
  value: T,
  table: (value: T) => string | readonly string[],
): void {
  if (json) {
    context.print(JSON.stringify(value, null, 2));
    return;
  }
  const text = table(value);
  context.print(typeof text === 'string' ? text : text.join('\n'));
}

/** A whole number from `low` to `high`, from an option's text. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It should be a whole number from ${low} to ${high}.`);
  };
}

export const commaSeparated = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** An option that may be given several times. */
export const collected = (text: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  text,
];

/** A number of bytes, from an option's text. */
export function byteCount(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError(`It should be ${bytesAllowed}, e.g. 4GiB.`);
  return bytes;
}

/** For commands that measure networks on this machine. */
export const gramMemoryOption = (): Option =>
  new Option(
    '--gram-memory <size>',
    'most memory of Gram matrices (what samples look like to a layer) at once; where they do not fit, fewer samples are measured (default: 4GiB)',
  ).argParser(byteCount);

export const providerOption = (): Option =>
  new Option('--provider <provider>', 'of ONNX Runtime').choices(['cpu', 'cuda', 'webgpu']).default('cpu');
