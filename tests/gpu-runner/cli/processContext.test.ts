import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const program = `
const { processContext } = await import(${JSON.stringify(new URL('../../../gpu-runner/cli/processContext.ts', import.meta.url))});
const { signal, print } = processContext();
signal.addEventListener('abort', () => print('aborted'));
setInterval(() => undefined, 1000);
print('ready');
`;

test('the first Ctrl-C says that it was heard, a second one ends the process', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  const said = { out: '', err: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const next = async (text: string): Promise<void> => {
    while (!said.out.includes(text)) said.out += String((await once(child.stdout, 'data'))[0]);
  };
  const ended = once(child, 'close');
  await next('ready');
  child.kill('SIGINT');
  await next('aborted');
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
  expect(said.err).toContain('Stopping as soon as it can; Ctrl-C again to stop at once\n');
});
