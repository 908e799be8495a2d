import { canonicalJson } from '../../shared/canonical-json.ts';
import type { DatasetDocument } from '../../shared/dataset.ts';
import { sha256Hex, toHex } from '../../shared/digest.ts';
import {
  mergeRequest,
  type ClaimRequest,
  type MergeRequest,
  type MergeRequestInput,
  type PinnedVersion,
} from '../../shared/jobs.ts';
import { recipe, type Recipe } from '../../shared/recipe.ts';
import type { ModelDocument } from '../../shared/registry.ts';
import type { ModelInspection } from '../../shared/inspection.ts';
import { inspectionStatements } from '../../workers/domain/jobs/ask-inspection.ts';
import { listJobs } from '../../workers/store/jobs.ts';
import { items, versions } from '../../workers/store/schema/registry.ts';
import { insertVersionStatements } from '../../workers/store/versions.ts';
import type { Stores } from '../../workers/store/stores.ts';
import { by } from './fixtures.ts';

export const runnerOf = (name: string): ClaimRequest['runner'] => ({
  name,
  version: '1',
  providers: ['cpu'],
});

/** A project of its own, with model `net@1` in it. */
export async function newProject(stores: Stores): Promise<{ project: string; net: PinnedVersion }> {
  const project = `p${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  const net = { name: 'net', version: 1, digest: 'd'.repeat(64) };
  const item = { project, kind: 'models', name: 'net' } as const;
  const created = { createdAt: by.at, createdBy: by.actor };
  const document = { format: 'trunkline.model/1', files: [], labels: [] } as const;
  await stores.db.batch([
    stores.db.insert(items).values({
      ...item,
      owner: by.actor,
      tags: {},
      card: '',
      lastVersion: 1,
      createdAt: by.at,
      changedAt: by.at,
    }),
    stores.db.insert(versions).values({
      ...item,
      ...created,
      version: 1,
      digest: net.digest,
      document: { ...document, files: [], labels: [] },
      sizeBytes: 0,
    }),
  ]);
  return { project, net };
}

/** Asks for an inspection of `net@1`; answers the job's id. */
export async function askInspection(
  stores: Stores,
  { project, net }: Awaited<ReturnType<typeof newProject>>,
  { owner = 'alice', priority = 0, at = by.at }: { owner?: string; priority?: number; at?: string } = {},
): Promise<string> {
  const version = { kind: 'models', name: net.name, digest: net.digest } as const;
  await stores.db.batch(inspectionStatements(stores.db, version, { actor: owner, project, at }, priority));
  const [job] = (await listJobs(stores.db, project, {})).rows;
  if (job === undefined) throw new Error('the job is not there');
  return job.id;
}

export const inspected: ModelInspection = {
  format: 'trunkline.inspection/1',
  kind: 'model',
  inputs: [],
  outputs: [],
  parameters: 1,
  macs: 1,
  operators: { Conv: 1 },
  groups: [],
  problems: [],
};

/** A project with what a merge of these tasks takes: networks and data sets `<task>@1`, as rows without content. */
export async function mergeProject(stores: Stores, tasks: readonly string[]): Promise<string> {
  const project = `p${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  for (const task of tasks) {
    await registerRow(
      stores,
      { project, kind: 'models', name: `${task}-net` },
      {
        format: 'trunkline.model/1',
        files: [],
        labels: [],
      },
    );
    await registerRow(
      stores,
      { project, kind: 'datasets', name: `${task}-data` },
      {
        format: 'trunkline.dataset/1',
        files: [],
        source: { kind: 'npz', file: 'a.npz', x: 'x', y: 'y' },
        preprocessing: null,
        labels: ['0', '1'],
        split: { validation: 0.2, seed: 1 },
        allowBad: 0.01,
      },
    );
  }
  return project;
}

/** Adds version 1 of a name, whatever its document. */
export async function registerRow(
  stores: Stores,
  key: { project: string; kind: 'models' | 'datasets'; name: string },
  document: ModelDocument | DatasetDocument,
): Promise<void> {
  const digest = await sha256Hex(canonicalJson({ ...key, document }));
  const version = { ...key, digest, document, sizeBytes: 0, files: [], parents: [] };
  await stores.db.batch(insertVersionStatements(stores.db, version, by));
}

export const recipeOf = (): Recipe =>
  recipe.parse({
    wiring: 'one-way',
    share: { share: 1 },
    retraining: { stepsPerLayer: 1, finalSteps: 1, batchSize: 1, learningRate: 0.1 },
  });

/** A merge of `<task>-net` and `<task>-data` of every task. */
export const mergeOf = (tasks: readonly string[], change: Partial<MergeRequestInput> = {}): MergeRequest =>
  mergeRequest.parse({
    name: 'pair',
    sources: tasks.map((task) => ({ task, model: `${task}-net`, data: `${task}-data` })),
    recipe: recipeOf(),
    ...change,
  });
