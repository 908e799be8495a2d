import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { netsFolder, readNet } from '../../examples/nets.ts';
import { readTask, taskNames } from '../../examples/tasks.ts';
import { countParameters } from '../../gpu-runner/mtz/count.ts';
import { accuracyOf } from '../../gpu-runner/mtz/evaluate.ts';

describe.each(taskNames)('the %s net', (task) => {
  it('is what the training command makes: a LeNet of 867,098 parameters in about 3.5 MB', async () => {
    const { graph, info } = await readNet(task);
    expect(countParameters(graph)).toBe(867_098);
    expect(info.task).toBe(task);
    expect((await stat(join(netsFolder, `${task}.onnx`))).size).toBeLessThan(3_600_000);
  });

  it('answers as many held-out images right as its description says', async () => {
    const { graph, info } = await readNet(task);
    const { test, validation, labels } = await readTask(task);
    expect(info.labels).toEqual(labels);
    expect(info.test.samples).toBe(test.size);
    // The smaller of the two held-out parts, where the larger one takes long.
    const [checked, recorded] = task === 'digit' ? [validation, info.validation] : [test, info.test];
    const fraction = await accuracyOf(graph, checked, { provider: 'cpu' });
    // Another machine's kernels may round a close call the other way.
    expect(Math.abs(fraction - recorded.fraction)).toBeLessThan(0.002);
  });
});

it('readNet() refuses a net that is not the described one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nets test '));
  try {
    await copyFile(join(netsFolder, 'digit.json'), join(folder, 'digit.json'));
    const bytes = await readFile(join(netsFolder, 'digit.onnx'));
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await writeFile(join(folder, 'digit.onnx'), bytes);
    await expect(readNet('digit', folder)).rejects.toThrow(
      /^Cannot read net digit: digit.onnx has the digest/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
