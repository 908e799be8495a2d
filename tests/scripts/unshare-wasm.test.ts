import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { unshareMemory } from '../../scripts/unshare-wasm.ts';

/** The part of WebAssembly's interface that is needed here; Node's types have none of it. */
interface Wasm {
  Memory: new (descriptor: { initial: number; maximum: number }) => object;
  Table: new (descriptor: { element: string; initial: number; maximum: number }) => object;
  instantiate(module: Uint8Array, imports: object): Promise<object>;
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
const section = (id: number, content: number[]): number[] => [id, content.length, ...content];
/** A module that imports a function, a table, a global and then these memories (as limits). */
const moduleWith = (...memories: number[][]): Uint8Array<ArrayBuffer> => {
  const imports = [
    [...name('a'), ...name('f'), 0, 0],
    [...name('a'), ...name('t'), 1, 0x70, 1, 1, 2],
    [...name('a'), ...name('g'), 3, 0x7f, 0],
    ...memories.map((limits, i) => [...name('a'), ...name(`m${i}`), 2, ...limits]),
  ];
  return Uint8Array.from([
    ...header,
    ...section(1, [1, 0x60, 0, 0]),
    ...section(2, [imports.length, ...imports.flat()]),
  ]);
};
const shared = [3, 1, 0x80, 0x80, 4];

test('unshareMemory() changes one byte, and the module then takes an unshared memory', async () => {
  const before = moduleWith(shared);
  const after = new Uint8Array(unshareMemory(before));
  expect(after.filter((byte, i) => byte !== before[i])).toEqual(Uint8Array.of(1));
  const imports = {
    a: {
      f: () => undefined,
      t: new wasm.Table({ element: 'anyfunc', initial: 1, maximum: 2 }),
      g: 0,
      m0: new wasm.Memory({ initial: 1, maximum: 65_536 }),
    },
  };
  await expect(wasm.instantiate(after, imports)).resolves.toHaveProperty('instance');
  await expect(wasm.instantiate(before, imports)).rejects.toThrow('shared');
});

test('unshareMemory() changes one byte of the module that onnxruntime-web ships', () => {
  const path = fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
  const before = readFileSync(path);
  const after = unshareMemory(before);
  expect(after).toHaveLength(before.length);
  const changed = before.findIndex((byte, i) => byte !== after[i]);
  expect([before[changed], after[changed]]).toEqual([3, 1]);
  expect(before.subarray(changed + 1).equals(after.subarray(changed + 1))).toBe(true);
});

test('unshareMemory() refuses a module without one shared memory', () => {
  expect(() => unshareMemory(moduleWith())).toThrow('Cannot unshare: the module imports 0 memories, not one');
  expect(() => unshareMemory(moduleWith(shared, shared))).toThrow('imports 2 memories, not one');
  expect(() => unshareMemory(moduleWith([1, 1, 2]))).toThrow('limits flags of its memory are 1, not 3');
});

test('unshareMemory() refuses what is not a whole module', () => {
  expect(() => unshareMemory(Buffer.from('not wasm'))).toThrow('it is not WebAssembly 1');
  const module = moduleWith(shared);
  expect(() => unshareMemory(module.subarray(0, module.length - 4))).toThrow('Cannot read the module: ');
});
