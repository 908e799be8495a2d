import { expect, test } from 'vitest';
import { compiledProviders, providers, requireProvider } from '../../../gpu-runner/engine/providers.ts';

test('compiledProviders() has the CPU everywhere, and only providers that are known here', () => {
  expect(compiledProviders()).toContain('cpu');
  expect(providers).toEqual(expect.arrayContaining(compiledProviders()));
});

test('requireProvider() passes what this build has and names what it has instead of another', () => {
  expect(() => requireProvider('cpu')).not.toThrow();
  for (const provider of providers.filter((name) => !compiledProviders().includes(name))) {
    expect(() => requireProvider(provider)).toThrow(
      /Cannot use provider ".*": onnxruntime-node on .* has only .*cpu/,
    );
  }
  expect(() => requireProvider('npu' as 'cpu')).toThrow('Cannot use provider "npu"');
});
