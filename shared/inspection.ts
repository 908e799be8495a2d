import { z } from 'zod';
import { tensorSpec } from './manifest.ts';

// What a runner read in a registered version: the result of an `inspect` job, shown by the registry.

/** Sentences for people about what stands in the way; an empty list: nothing does. */
const problems = z.array(z.string().max(2000)).max(1000);

/** Nodes of a graph that are shown one by one. */
export const maxLayers = 2000;

export const modelInspection = z.strictObject({
  format: z.literal('trunkline.inspection/1'),
  kind: z.literal('model'),
  inputs: z.array(tensorSpec),
  outputs: z.array(tensorSpec),
  parameters: z.int().min(0),
  /** Multiply-adds for one sample; null when a shape is not known. */
  macs: z.int().min(0).nullable(),
  /** How often each operator occurs, by its name. */
  operators: z.record(z.string(), z.int().min(1)),
  /** Channels that are shared together or not at all. */
  groups: z
    .array(
      z.strictObject({
        name: z.string(),
        channels: z.int().min(0),
        shareable: z.boolean(),
        /** Why not; null when it is shareable. */
        reason: z.string().nullable(),
      }),
    )
    .max(10_000),
  /**
   * The graph, node by node in an order that can be executed. Absent: the runner was older, or the graph has more nodes
   * than are shown.
   */
  layers: z
    .array(
      z.strictObject({
        name: z.string().max(500),
        op: z.string().max(200),
        /** Places in this list of the nodes it reads; -1: an input of the network. */
        from: z.array(z.int().min(-1)).max(200),
        /** Of its first output for one sample, without the batch; null: not known. */
        dims: z.array(z.int().min(0)).max(8).nullable(),
        /** Of the weights it is the first to read. */
        parameters: z.int().min(0),
        macs: z.int().min(0).nullable(),
        /** The group its output channels belong to, where it makes channels. */
        group: z.string().nullable(),
      }),
    )
    .max(maxLayers)
    .optional(),
  problems,
});
export type ModelInspection = z.infer<typeof modelInspection>;

/** Characters of a picture in base64: three quarters as many bytes. */
export const maxSheetLength = 700_000;

/** Samples as tiles of one picture, row by row. */
export const previewSheet = z.strictObject({
  /** PNG in base64. */
  png: z.base64().max(maxSheetLength),
  /** Pixels of a tile. */
  width: z.int().min(1),
  height: z.int().min(1),
  /** Tiles in a row. */
  columns: z.int().min(1),
  /** The class of each tile, by its place in the labels. */
  labels: z.array(z.int().min(0)).min(1).max(1000),
});
export type PreviewSheet = z.infer<typeof previewSheet>;

export const datasetInspection = z.strictObject({
  format: z.literal('trunkline.inspection/1'),
  kind: z.literal('dataset'),
  samples: z.int().min(0),
  /** Of one sample, without the batch. */
  sampleDims: z.array(z.int().min(0)).max(8),
  classes: z.int().min(0),
  /** Samples of each class, in the order of the labels. */
  labelCounts: z.array(z.int().min(0)).max(100_000),
  badFiles: z.array(z.strictObject({ path: z.string(), reason: z.string() })).max(1000),
  /** A few samples of each class, where samples are images. */
  preview: previewSheet.optional(),
  problems,
});
export type DatasetInspection = z.infer<typeof datasetInspection>;

export const inspection = z.discriminatedUnion('kind', [modelInspection, datasetInspection]);
export type Inspection = z.infer<typeof inspection>;

/** Without what is drawn: what the job that made it says of it, since jobs come in lists. */
export function withoutDrawing(full: Inspection): Inspection {
  const outline = { ...full };
  if (outline.kind === 'model') delete outline.layers;
  else delete outline.preview;
  return outline;
}
