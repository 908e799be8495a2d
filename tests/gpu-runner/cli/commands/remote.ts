import { afterEach, beforeEach } from 'vitest';
import { FakeControl, Home, type FakeAnswer, type FakeRequest, type Ran } from '../runCli.ts';
import type { CommandContext } from '../../../../gpu-runner/cli/context.ts';

type Answers = Readonly<Record<string, unknown>>;

/** A home and a service for each test of a file; `answers` by "METHOD /path", JSON unless it is a whole answer. */
export function withService() {
  let home: Home;
  let control: FakeControl;
  let answers: Answers = {};
  beforeEach(async () => {
    answers = {};
    home = await Home.make();
    control = await FakeControl.start(({ method, path }) => {
      const given = answers[`${method} ${path}`];
      if (given === undefined) return null;
      const value: unknown = typeof given === 'function' ? (given as () => unknown)() : given;
      return isWhole(value) ? value : { json: value };
    });
  });
  afterEach(async () => {
    await control.stop();
    await home.remove();
  });
  return {
    answer: (given: Answers): void => {
      answers = { ...answers, ...given };
    },
    run: (args: readonly string[], context: Partial<CommandContext> = {}): Promise<Ran> =>
      home.run(args, { TRUNKLINE_URL: control.url, TRUNKLINE_KEY: 'tl_key' }, context),
    /** What was asked, as "METHOD /path". */
    asked: (): string[] => control.requests.map(({ method, path }) => `${method} ${path}`),
    last: (method: string): FakeRequest | undefined =>
      control.requests.findLast((one) => one.method === method),
    path: (...parts: string[]): string => home.path(...parts),
    url: (): string => control.url,
  };
}

const isWhole = (value: unknown): value is FakeAnswer =>
  typeof value === 'object' && value !== null && ('text' in value || 'status' in value);

/** A whole answer: JSON of another status. */
export const status = (code: number, json: unknown) => ({ status: code, json });
