import { Argument, InvalidArgumentError } from 'commander';
import { kinds, parseReference, type Kind, type VersionChoice } from '../../shared/registry.ts';
import { UsageError } from './context.ts';

/** An argument that takes "models" and, as people say it, "model". */
export function kindArgument(name: string, all: readonly string[]): Argument {
  return new Argument(name).choices(all).argParser((text: string): string => {
    const found = all.find((kind) => kind === text || kind === `${text}s`);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It should be one of ${all.join(', ')}.`);
  });
}

export const isItemKind = (kind: string): kind is Kind => (kinds as readonly string[]).includes(kind);

/** A version as the API's addresses name it. */
export const choiceText = (choice: VersionChoice): string =>
  choice === 'latest' ? 'latest' : 'version' in choice ? String(choice.version) : choice.alias;

/** `name`, `name@3` or `name@alias`. @throws {UsageError} */
export function reference(text: string): { readonly name: string; readonly ref: string } {
  const parsed = parseReference(text);
  if (parsed) return { name: parsed.name, ref: choiceText(parsed.choice) };
  throw new UsageError(`"${text}" names no version: write name, name@3 or name@alias`);
}
