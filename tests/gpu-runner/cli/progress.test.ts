import { expect, test } from 'vitest';
import { Progress } from '../../../gpu-runner/cli/progress.ts';

const context = (said: string[], terminal?: { drawn: string[] }) => ({
  env: {},
  print: () => undefined,
  complain: (text: string) => void said.push(text),
  terminal: terminal && { write: (text: string) => void terminal.drawn.push(text), columns: () => 20 },
});

test('off a terminal, what is being done is written down once a minute, and not just after another line', () => {
  const said: string[] = [];
  let now = 1000;
  const progress = new Progress(context(said), () => now);
  const at = (seconds: number, text: string): void => {
    now = 1000 + 1000 * seconds;
    progress.update(text);
  };
  at(0, 'step 1');
  at(59, 'step 2');
  at(60, 'step 3');
  at(100, 'step 4');
  now = 1000 + 110_000;
  progress.note('layer 2');
  at(125, 'step 5');
  at(169, 'step 6');
  at(171, 'step 7');
  expect(said).toEqual(['step 3', 'layer 2', 'step 7']);
});

test('on a terminal it is drawn over, however long it takes', () => {
  const said: string[] = [];
  const drawn: string[] = [];
  let now = 0;
  const progress = new Progress(context(said, { drawn }), () => now);
  progress.update('step 1');
  now = 1e6;
  progress.update('step 2 of a very long line');
  progress.clear();
  expect(said).toEqual([]);
  expect(drawn).toEqual(['\r\x1b[2Kstep 1', '\r\x1b[2Kstep 2 of a very l…', '\r\x1b[2K']);
});
