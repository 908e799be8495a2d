import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inferenceRequest } from '../../workers/edge/oip.ts';
import { preprocess } from '../../shared/preprocess.ts';
import { pixelsTo1 } from '../../shared/preprocessing.ts';
import { classesOf, softmax } from '../../workers/portal/src/pages/playground/answers.ts';
import { centreDrawing } from '../../workers/portal/src/pages/playground/drawing.ts';
import { imageInputOf, inverted, tensorOf } from '../../workers/portal/src/pages/playground/inputSpec.ts';
import {
  bodyOf,
  curlOf,
  pythonOf,
  typescriptOf,
} from '../../workers/portal/src/pages/playground/snippets.ts';
import { isStill, timedParts } from '../../workers/portal/src/pages/playground/timing.ts';

describe('answers', () => {
  it('are probabilities whatever the size of the logits', () => {
    const shares = softmax([1000, 1001, 999]);
    expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12);
    expect(shares[1]).toBeCloseTo(1 / (1 + Math.exp(-1) + Math.exp(-2)), 12);
  });

  it('come with their labels, the likeliest first; what is a probability already stays so', () => {
    expect(classesOf({ data: [0.1, 0.7, 0.2] }, ['a', 'b'])).toEqual([
      { index: 1, label: 'b', probability: 0.7 },
      { index: 2, label: '2', probability: 0.2 },
      { index: 0, label: 'a', probability: 0.1 },
    ]);
    expect(classesOf({ data: [2, 0] }, [])[0]?.probability).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
  });
});

describe('the edge’s timing', () => {
  it('is told part by part, several runs of a part as one', () => {
    const parts = timedParts([
      { name: 'load', ms: 90, description: 'trunk digit' },
      { name: 'trunk', ms: 1, description: '' },
      { name: 'trunk', ms: 2, description: '' },
      { name: 'head-digit', ms: 0, description: '' },
    ]);
    expect(parts).toEqual([
      { part: 'loading trunk digit', kind: 'load', ms: 90 },
      { part: 'trunk', kind: 'trunk', ms: 3 },
      { part: 'head digit', kind: 'head', ms: 0 },
    ]);
    expect([isStill(parts), isStill(parts.slice(2)), isStill([])]).toEqual([false, true, false]);
  });
});

describe('centreDrawing()', () => {
  /** A light square somewhere on the pad. */
  const drawn = (left: number, top: number, size: number) => {
    const data = new Uint8Array(100 * 100);
    for (let y = top; y < top + size; y++) data.fill(255, y * 100 + left, y * 100 + left + size);
    return { width: 100, height: 100, data };
  };

  it('gives the same picture wherever and however large it was drawn', () => {
    const [small, large] = [centreDrawing(drawn(5, 60, 20), 28), centreDrawing(drawn(30, 10, 60), 28)];
    const difference = small?.data.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (large?.data[at] ?? 0))),
      0,
    );
    expect(difference).toBeLessThan(140);
    for (const image of [small, large]) {
      const lit = [...(image?.data ?? [])].flatMap((value, at) => (value > 127 ? [at] : []));
      const columns = lit.map((at) => at % 28);
      // Twenty of twenty-eight pixels, in the middle.
      expect(Math.max(...columns) - Math.min(...columns) + 1).toBeGreaterThanOrEqual(19);
      expect(Math.abs((Math.max(...columns) + Math.min(...columns)) / 2 - 13.5)).toBeLessThanOrEqual(1);
    }
  });

  it('is null where nothing was drawn', () => {
    expect(centreDrawing({ width: 10, height: 10, data: new Uint8Array(100) }, 28)).toBeNull();
  });
});

describe('the input of an endpoint', () => {
  const inputs = [{ name: 'x', dtype: 'float32' as const, dims: [-1, 1, 2, 2] }];

  it('is made as the bundles say; what differs or is said in words is told', () => {
    const preprocessing = pixelsTo1([1, 2, 2]);
    expect(imageInputOf([{ inputs, preprocessing }])).toMatchObject({ caveat: null });
    const other = { ...preprocessing, scale: 1 };
    expect(
      imageInputOf([
        { inputs, preprocessing },
        { inputs, preprocessing: other },
      ])?.caveat,
    ).toMatch(/differently/);
    const said = imageInputOf([{ inputs, preprocessing: 'as usual' }]);
    expect(said?.preprocessing).toEqual(preprocessing);
    expect(said?.caveat).toMatch(/as usual/);
  });

  it('is no image where the network reads rows of numbers or several tensors', () => {
    const flat = [{ name: 'x', dtype: 'float32' as const, dims: [-1, 4] }];
    expect(imageInputOf([{ inputs: flat, preprocessing: 'none' }])).toBeNull();
    expect(
      imageInputOf([{ inputs: [...inputs, ...inputs], preprocessing: pixelsTo1([1, 2, 2]) }]),
    ).toBeNull();
    expect(imageInputOf([])).toBeNull();
  });

  it('is the tensor that training made of the same image, resized where it has to be', () => {
    const input = imageInputOf([{ inputs, preprocessing: pixelsTo1([1, 2, 2]) }]);
    if (!input) throw new Error('there is no input');
    const image = {
      width: 2,
      height: 2,
      channels: 1,
      axes: 'HWC',
      data: Uint8Array.of(0, 51, 102, 255),
    } as const;
    expect(tensorOf(image, input).data).toEqual(preprocess(image, input.preprocessing));
    const large = { ...image, width: 4, height: 4, data: new Uint8Array(16).fill(255) };
    expect([...tensorOf(large, input).data]).toEqual([1, 1, 1, 1]);
  });

  it('is inverted without its transparency', () => {
    const image = {
      width: 1,
      height: 1,
      channels: 4,
      axes: 'HWC',
      data: Uint8Array.of(255, 0, 10, 255),
    } as const;
    expect([...inverted(image).data]).toEqual([0, 255, 245, 255]);
  });
});

describe('the same request from elsewhere', () => {
  const request = {
    ...{ url: 'https://edge.example.com', endpoint: "it's", tasks: ['digit', 'fashion'] },
    input: { name: 'x', tensor: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(0.1, 2) } },
  } as const;
  const large = {
    ...request,
    input: { name: 'x', tensor: { dtype: 'float32', dims: [1, 3000], data: new Float32Array(3000) } },
  } as const;

  it('is a request that the edge reads', () => {
    expect(inferenceRequest.parse(JSON.parse(bodyOf(request)))).toMatchObject({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [0.1, 2] }],
      outputs: [{ name: 'digit' }, { name: 'fashion' }],
    });
  });

  it('is curl that a shell takes apart into just that address and body', async () => {
    const script = `curl() { for one in "$@"; do printf '%s\\n' "$one"; done; }\nTRUNKLINE_KEY=secret\n${curlOf(request)}`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script]);
    const words = stdout.trimEnd().split('\n');
    expect(words).toEqual([
      "https://edge.example.com/v2/models/it's/infer",
      ...['-H', 'Authorization: Bearer secret', '-H', 'Content-Type: application/json', '--data'],
      bodyOf(request),
    ]);
  });

  it('never holds a key, and reads large inputs from a file', () => {
    for (const snippet of [curlOf, typescriptOf, pythonOf]) {
      expect(snippet(request)).toContain('TRUNKLINE_KEY');
      expect(snippet(request)).not.toContain('tl_');
      expect(snippet(request)).not.toContain('request.json');
      expect(snippet(large)).toContain('request.json');
      expect(snippet(large).length).toBeLessThan(2000);
    }
  });
});
