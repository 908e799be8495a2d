import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { explainIssues } from '../../shared/explain-issues.ts';
import { jobKinds } from '../../shared/jobs.ts';
import { defaultMaxBytes } from '../data/memoryBudget.ts';
import { providers } from '../engine/providers.ts';
import { defaultGramBytes } from '../mtz/gramForm.ts';
import { bytesAllowed, parseBytes } from './parseBytes.ts';
import type { RunnerOptions } from './runRunner.ts';
import { dataMemoryVariable } from './work/dataMemory.ts';

const byteCount = z.string().transform((text, context) => {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: `must be ${bytesAllowed}, not "${text}"` });
  return z.NEVER;
});

const address = z.string().transform((text, context) => {
  if (text === 'off') return null;
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host !== '' && port <= 65_535) return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
  context.addIssue({ code: 'custom', message: `must be host:port or off, not "${text}"` });
  return z.NEVER;
});

const url = z.url({ protocol: /^https?$/, message: 'must be an http or https address' });

const variables = z
  .object({
    TRUNKLINE_URL: url,
    TRUNKLINE_KEY: z.string('must be set to an API key with the scope runner'),
    TRUNKLINE_RUNNER_NAME: z.string().max(100).default(hostname().slice(0, 100)),
    TRUNKLINE_RUNNER_PROVIDER: z.enum(providers).default('cpu'),
    TRUNKLINE_RUNNER_KINDS: z
      .string()
      .transform((text) => text.split(',').map((kind) => kind.trim()))
      .pipe(z.array(z.enum(jobKinds)))
      .default([...jobKinds]),
    TRUNKLINE_RUNNER_FOLDER: z.string().optional(),
    TRUNKLINE_RUNNER_CACHE: byteCount.default(20 * 2 ** 30),
    TRUNKLINE_RUNNER_GRAM_MEMORY: byteCount.default(defaultGramBytes),
    [dataMemoryVariable]: byteCount.default(defaultMaxBytes),
    TRUNKLINE_RUNNER_HEALTH: address.default({ host: '127.0.0.1', port: 9464 }),
    TRUNKLINE_S3_ENDPOINT: url.optional(),
    TRUNKLINE_S3_BUCKET: z.string().optional(),
    TRUNKLINE_S3_REGION: z.string().default('auto'),
    TRUNKLINE_S3_ACCESS_KEY_ID: z.string().optional(),
    TRUNKLINE_S3_SECRET_ACCESS_KEY: z.string().optional(),
    TRUNKLINE_S3_SESSION_TOKEN: z.string().optional(),
    TRUNKLINE_S3_PRESIGNED: z.enum(['0', '1']).default('0'),
  })
  .check(({ value, issues }) => {
    const needed = ['BUCKET', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'] as const;
    const given = ['ENDPOINT' as const, ...needed].filter(
      (one) => value[`TRUNKLINE_S3_${one}`] !== undefined,
    );
    if (given.length === 0 || given.length === needed.length + 1) return;
    for (const one of ['ENDPOINT' as const, ...needed])
      if (!given.includes(one))
        issues.push({
          code: 'custom',
          path: [`TRUNKLINE_S3_${one}`],
          message: `must be set, since TRUNKLINE_S3_${given[0] ?? ''} is`,
          input: undefined,
        });
  });

/** What each variable means, for the help of the command. */
export const runnerVariables: Readonly<Record<keyof z.input<typeof variables>, string>> = {
  TRUNKLINE_URL: 'where the control Worker answers, e.g. https://control.example.com',
  TRUNKLINE_KEY: 'an API key with the scope runner',
  TRUNKLINE_RUNNER_NAME: "who this is, for people; default the machine's name",
  TRUNKLINE_RUNNER_PROVIDER: `what computes: ${providers.join(', ')}; default cpu`,
  TRUNKLINE_RUNNER_KINDS: `jobs it takes, e.g. merge; default ${jobKinds.join()}`,
  TRUNKLINE_RUNNER_FOLDER: 'cache and files of the job at hand; default ~/.cache/trunkline/runner',
  TRUNKLINE_RUNNER_CACHE: 'most bytes of the cache, e.g. 500MiB; default 20GiB',
  TRUNKLINE_RUNNER_GRAM_MEMORY:
    'most bytes of Gram matrices at once, e.g. 2GiB; where they do not fit, fewer samples are measured; default 4GiB',
  [dataMemoryVariable]:
    'most bytes that the samples of one task take in memory, e.g. 8GiB; a job with more is refused; default 2GiB',
  TRUNKLINE_RUNNER_HEALTH: 'host:port of health checks and metrics, or off; default 127.0.0.1:9464',
  TRUNKLINE_S3_ENDPOINT: 'S3 API of the blobs; without it they go through the control Worker',
  TRUNKLINE_S3_BUCKET: 'bucket of the blobs',
  TRUNKLINE_S3_REGION: 'default auto, as R2 wants it',
  TRUNKLINE_S3_ACCESS_KEY_ID: 'credentials of the bucket',
  TRUNKLINE_S3_SECRET_ACCESS_KEY: 'credentials of the bucket',
  TRUNKLINE_S3_SESSION_TOKEN: 'with temporary credentials',
  TRUNKLINE_S3_PRESIGNED: '1: sign in the address, where a proxy takes the Authorization header',
};

/**
 * How a runner is to run, as the environment says it. A variable that is empty counts as not set.
 *
 * @throws {Error} "Cannot run: TRUNKLINE_URL: ..." naming every variable that is missing or wrong, and never a value
 * that is secret
 */
export function runnerOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): Omit<RunnerOptions, 'version' | 'signal' | 'log'> {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(set);
  if (!parsed.success) throw new Error(`Cannot run: ${explainIssues(parsed.error)}`);
  const all = parsed.data;
  const cacheHome = set.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const { TRUNKLINE_S3_ENDPOINT: endpoint, TRUNKLINE_S3_BUCKET: bucket } = all;
  const { TRUNKLINE_S3_ACCESS_KEY_ID: accessKeyId, TRUNKLINE_S3_SECRET_ACCESS_KEY: secretAccessKey } = all;
  return {
    control: { url: all.TRUNKLINE_URL, key: all.TRUNKLINE_KEY },
    name: all.TRUNKLINE_RUNNER_NAME,
    provider: all.TRUNKLINE_RUNNER_PROVIDER,
    kinds: all.TRUNKLINE_RUNNER_KINDS,
    folder: all.TRUNKLINE_RUNNER_FOLDER ?? join(cacheHome, 'trunkline', 'runner'),
    cacheBytes: all.TRUNKLINE_RUNNER_CACHE,
    gramBytes: all.TRUNKLINE_RUNNER_GRAM_MEMORY,
    dataBytes: all[dataMemoryVariable],
    ...(all.TRUNKLINE_RUNNER_HEALTH && { health: all.TRUNKLINE_RUNNER_HEALTH }),
    ...(endpoint !== undefined &&
      bucket !== undefined &&
      accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        s3: {
          ...{ endpoint, bucket, accessKeyId, secretAccessKey },
          region: all.TRUNKLINE_S3_REGION,
          sessionToken: all.TRUNKLINE_S3_SESSION_TOKEN,
          presigned: all.TRUNKLINE_S3_PRESIGNED === '1',
        },
      }),
  };
}
