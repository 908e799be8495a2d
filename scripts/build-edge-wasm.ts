/** Writes workers/edge/dist/ort.wasm: onnxruntime-web's WebAssembly with an unshared memory. Wrangler runs it before each build. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { unshareMemory } from './unshare-wasm.ts';

const source = fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
const folder = fileURLToPath(new URL('../workers/edge/dist/', import.meta.url));
const target = `${folder}ort.wasm`;

const wanted = unshareMemory(readFileSync(source));
// Left alone when it is right already: a watching wrangler rebuilds whenever the file changes.
if (!existsSync(target) || !readFileSync(target).equals(wanted)) {
  mkdirSync(folder, { recursive: true });
  const partial = `${target}.${process.pid}`;
  writeFileSync(partial, wanted);
  // In one step, so that a build beside this one never reads half a file.
  renameSync(partial, target);
}
