import { listSupportedBackends } from 'onnxruntime-node';

/** ONNX Runtime's execution providers that training and evaluation know how to use. Always named, never guessed. */
export const providers = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof providers)[number];

/**
 * Names the providers this build of onnxruntime-node was compiled with. A listed provider can still lack its device:
 * a session then fails when it is made.
 */
export function compiledProviders(): Provider[] {
  const names = new Set(listSupportedBackends().map((backend) => backend.name));
  return providers.filter((provider) => names.has(provider));
}

/** @throws {Error} when this platform's build of onnxruntime-node does not have the provider. */
export function requireProvider(provider: Provider): void {
  const compiled = compiledProviders();
  if (compiled.includes(provider)) return;
  throw new Error(
    `Cannot use provider "${provider}": onnxruntime-node on ${process.platform}-${process.arch} has only ${compiled.join(', ')}`,
  );
}
