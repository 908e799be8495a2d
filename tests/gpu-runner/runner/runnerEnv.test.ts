import { describe, expect, it } from 'vitest';
import { runnerOptionsFromEnv } from '../../../gpu-runner/runner/runnerEnv.ts';

const needed = { TRUNKLINE_URL: 'https://control.example.com', TRUNKLINE_KEY: 'tl_secret' };
const s3 = {
  TRUNKLINE_S3_ENDPOINT: 'http://127.0.0.1:9000',
  TRUNKLINE_S3_BUCKET: 'blobs',
  TRUNKLINE_S3_ACCESS_KEY_ID: 'id',
  TRUNKLINE_S3_SECRET_ACCESS_KEY: 's3cret',
};

describe('runnerOptionsFromEnv()', () => {
  it('needs an address and a key, and has a default for everything else', () => {
    const options = runnerOptionsFromEnv({ ...needed, XDG_CACHE_HOME: '/home/me/cache', OTHER: 'ignored' });
    expect(options).toMatchObject({
      control: { url: 'https://control.example.com', key: 'tl_secret' },
      provider: 'cpu',
      kinds: ['inspect', 'merge', 'plan'],
      folder: '/home/me/cache/trunkline/runner',
      cacheBytes: 20 * 2 ** 30,
      gramBytes: 4 * 2 ** 30,
      dataBytes: 2 * 2 ** 30,
      health: { host: '127.0.0.1', port: 9464 },
    });
    expect(options.name).not.toBe('');
    expect(options).not.toHaveProperty('s3');
  });

  it('reads every setting', () => {
    const options = runnerOptionsFromEnv({
      ...needed,
      ...s3,
      TRUNKLINE_RUNNER_NAME: 'basement',
      TRUNKLINE_RUNNER_PROVIDER: 'cuda',
      TRUNKLINE_RUNNER_KINDS: 'merge',
      TRUNKLINE_RUNNER_FOLDER: '/data',
      TRUNKLINE_RUNNER_CACHE: '512 MiB',
      TRUNKLINE_RUNNER_GRAM_MEMORY: '2GiB',
      TRUNKLINE_RUNNER_DATA_MEMORY: '8 GiB',
      TRUNKLINE_RUNNER_HEALTH: '[::]:80',
      TRUNKLINE_S3_PRESIGNED: '1',
    });
    expect(options).toEqual({
      control: { url: 'https://control.example.com', key: 'tl_secret' },
      name: 'basement',
      provider: 'cuda',
      kinds: ['merge'],
      folder: '/data',
      cacheBytes: 512 * 2 ** 20,
      gramBytes: 2 * 2 ** 30,
      dataBytes: 8 * 2 ** 30,
      health: { host: '::', port: 80 },
      s3: {
        endpoint: 'http://127.0.0.1:9000',
        bucket: 'blobs',
        region: 'auto',
        accessKeyId: 'id',
        secretAccessKey: 's3cret',
        sessionToken: undefined,
        presigned: true,
      },
    });
  });

  it('counts a variable that is empty as not set, and turns the health server off when asked', () => {
    const options = runnerOptionsFromEnv({
      ...needed,
      TRUNKLINE_S3_BUCKET: '',
      TRUNKLINE_RUNNER_HEALTH: 'off',
    });
    expect(options).not.toHaveProperty('s3');
    expect(options).not.toHaveProperty('health');
  });

  it.each([
    [{ TRUNKLINE_KEY: 'k' }, 'TRUNKLINE_URL: must be an http or https address'],
    [
      { TRUNKLINE_URL: needed.TRUNKLINE_URL },
      'TRUNKLINE_KEY: must be set to an API key with the scope runner',
    ],
    [{ ...needed, TRUNKLINE_URL: 'ftp://x' }, 'TRUNKLINE_URL: must be an http or https address'],
    [
      { ...needed, TRUNKLINE_RUNNER_CACHE: 'lots' },
      'TRUNKLINE_RUNNER_CACHE: must be bytes or a number of KiB',
    ],
    [{ ...needed, TRUNKLINE_RUNNER_CACHE: '0' }, 'TRUNKLINE_RUNNER_CACHE: must be bytes'],
    [{ ...needed, TRUNKLINE_RUNNER_GRAM_MEMORY: '4GB' }, 'TRUNKLINE_RUNNER_GRAM_MEMORY: must be bytes'],
    [{ ...needed, TRUNKLINE_RUNNER_DATA_MEMORY: '-1' }, 'TRUNKLINE_RUNNER_DATA_MEMORY: must be bytes'],
    [{ ...needed, TRUNKLINE_RUNNER_HEALTH: '9464' }, 'TRUNKLINE_RUNNER_HEALTH: must be host:port or off'],
    [{ ...needed, TRUNKLINE_RUNNER_HEALTH: 'x:99999' }, 'TRUNKLINE_RUNNER_HEALTH: must be host:port or off'],
    [{ ...needed, TRUNKLINE_RUNNER_PROVIDER: 'tpu' }, 'TRUNKLINE_RUNNER_PROVIDER: '],
    [{ ...needed, TRUNKLINE_RUNNER_KINDS: 'merge,dance' }, 'TRUNKLINE_RUNNER_KINDS[1]: '],
    [
      { ...needed, ...s3, TRUNKLINE_S3_BUCKET: undefined },
      'TRUNKLINE_S3_BUCKET: must be set, since TRUNKLINE_S3_ENDPOINT is',
    ],
    [
      { ...needed, TRUNKLINE_S3_BUCKET: 'blobs' },
      'TRUNKLINE_S3_ENDPOINT: must be set, since TRUNKLINE_S3_BUCKET is',
    ],
  ])('refuses %j, naming the variable', (env, sentence) => {
    expect(() => runnerOptionsFromEnv(env)).toThrow(`Cannot run: ${sentence}`);
  });

  it('never repeats a secret', () => {
    const wrong = { ...needed, ...s3, TRUNKLINE_URL: 'x', TRUNKLINE_RUNNER_CACHE: 'y' };
    expect(() => runnerOptionsFromEnv(wrong)).toThrow(/^(?!.*(?:tl_secret|s3cret)).*$/s);
  });
});
