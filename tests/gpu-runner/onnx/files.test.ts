import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModelFile, writeModelFile } from '../../../gpu-runner/onnx/files.ts';
import { Graph } from '../../../gpu-runner/onnx/graph.ts';
import { writeModel } from '../../../gpu-runner/onnx/write.ts';
import { f32, toOrt } from './single-node.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx files '));
});
afterEach(() => rmSync(folder, { recursive: true }));

function network(): Graph {
  const graph = new Graph('network');
  graph.inputs.push({ name: 'x', dtype: 'float32', dims: [2, 32] });
  graph.outputs.push({ name: 'y', dtype: 'float32', dims: [2, 32] });
  graph.initializers.set('w', f32(32, 32)).set('v', f32(32, 32)).set('b', f32(32));
  graph.addNode('Gemm', ['x', 'w', 'b'], ['h']);
  graph.addNode('MatMul', ['h', 'v'], ['y']);
  return graph;
}

/** Writes a model whose weight is said to lie in `location`. */
function modelWithData(location: string): string {
  const path = join(folder, 'model.onnx');
  const place = (_name: string, bytes: Uint8Array) => ({ location, offset: 0, length: bytes.length });
  writeFileSync(path, writeModel(network(), { externalData: { threshold: 1024, place } }));
  return path;
}

describe('writeModelFile()', () => {
  it('writes one file that is read back as the same graph', () => {
    const path = join(folder, 'model.onnx');
    writeModelFile(path, network());
    expect(readModelFile(path)).toEqual(network());
    expect(readdirSync(folder)).toEqual(['model.onnx']);
  });

  it('writes large tensors to a data file that ONNX Runtime finds and that is read back', async () => {
    const path = join(folder, 'model.onnx');
    writeModelFile(path, network(), { externalData: 'model.bin' });
    expect(statSync(path).size).toBeLessThan(1024);
    expect(readModelFile(path)).toEqual(network());
    expect(readdirSync(folder).toSorted()).toEqual(['model.bin', 'model.onnx']);
    const x = toOrt(f32(2, 32));
    const outputs = [];
    for (const model of [path, writeModel(network())]) {
      const session = await ort.InferenceSession.create(model as string, { executionProviders: ['cpu'] });
      outputs.push((await session.run({ x }))['y']?.data);
    }
    expect(outputs[0]).toEqual(outputs[1]);
  });

  it('leaves what was there, and no half-written file, when the graph is refused', () => {
    const path = join(folder, 'model.onnx');
    writeModelFile(path, network(), { externalData: 'model.bin' });
    const broken = network();
    broken.initializers.delete('w');
    expect(() => writeModelFile(path, broken, { externalData: 'model.bin' })).toThrow('reads "w"');
    expect(() => writeModelFile(path, broken)).toThrow('reads "w"');
    expect(readModelFile(path)).toEqual(network());
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('refuses a data file elsewhere, or in place of the model', () => {
    for (const externalData of ['../data.bin', 'sub/data.bin', '/tmp/data.bin', '..', '', 'model.onnx']) {
      expect(() => writeModelFile(join(folder, 'model.onnx'), network(), { externalData })).toThrow(
        'another file in the same folder',
      );
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('readModelFile()', () => {
  const data = Buffer.from(f32(32, 32).data.buffer);

  it('reads data files in folders below the model', () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'w.bin'), data);
    expect(readModelFile(modelWithData('sub/w.bin'))).toEqual(network());
  });

  it('follows links inside the folder, and refuses those that lead outside', () => {
    writeFileSync(join(folder, 'real.bin'), data);
    symlinkSync('real.bin', join(folder, 'inside.bin'));
    expect(readModelFile(modelWithData('inside.bin'))).toEqual(network());
    const outside = mkdtempSync(join(tmpdir(), 'outside '));
    try {
      writeFileSync(join(outside, 'w.bin'), data);
      symlinkSync(join(outside, 'w.bin'), join(folder, 'link.bin'));
      symlinkSync(outside, join(folder, 'linked'));
      expect(() => readModelFile(modelWithData('link.bin'))).toThrow('it is a link that leads outside');
      expect(() => readModelFile(modelWithData('linked/w.bin'))).toThrow('it is a link that leads outside');
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('refuses paths that leave the folder, whether or not something is there', () => {
    for (const location of ['../w.bin', 'sub/../../w.bin', '..', '.']) {
      expect(() => readModelFile(modelWithData(location))).toThrow("it lies outside the model's folder");
    }
    for (const location of ['/etc/passwd', 'C:\\w.bin', '..\\w.bin']) {
      expect(() => readModelFile(modelWithData(location))).toThrow('its path must be relative');
    }
  });

  it('refuses data files that are missing or too short', () => {
    expect(() => readModelFile(modelWithData('w.bin'))).toThrow(
      'Cannot read data file "w.bin": there is no such file',
    );
    writeFileSync(join(folder, 'w.bin'), data.subarray(0, 100));
    expect(() => readModelFile(modelWithData('w.bin'))).toThrow(
      'it ends at byte 4096 of "w.bin", which has 100',
    );
  });

  it('accepts a folder that is itself reached through a link', () => {
    writeModelFile(join(folder, 'model.onnx'), network(), { externalData: 'model.bin' });
    const link = `${folder} link`;
    symlinkSync(folder, link);
    try {
      expect(readModelFile(join(link, 'model.onnx'))).toEqual(network());
    } finally {
      rmSync(link);
    }
  });
});
