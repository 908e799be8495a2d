import { z } from 'zod';
import { datasetDocument } from './dataset.ts';
import { inspection } from './inspection.ts';
import { bundleFile, name, sha256 } from './manifest.ts';

// Named models, data sets and bundles. An item (kind, name) has versions 1, 2, 3 ... that never change; aliases point at
// versions and remember where they pointed before. A version is written `name@3`, `name@champion`, or `name` for the
// newest. Each version is its document, and its digest is the SHA-256 of the document's canonical JSON (RFC 8785), so the
// same document again is the same version. Everything belongs to the project of the key that asks.
//
//   POST   /v1/{kind}/:name/versions               registerRequests[kind] -> 201 or 200 registeredVersion
//   GET    /v1/{kind}?q=&cursor=                   itemList
//   GET    /v1/{kind}/:name                        itemView
//   GET    /v1/{kind}/:name/versions               versionList          (?cursor=)
//   GET    /v1/{kind}/:name/versions/:ref          versionView          (:ref is 3, an alias, or "latest")
//   DELETE /v1/{kind}/:name/versions/:version      204                  (409 with the reason while something refers to it)
//   GET    /v1/{kind}/:name/versions/:ref/lineage  lineageView
//   GET    /v1/{kind}/:name/versions/:ref/inspection   inspectionView   (models and data sets)
//   PUT    /v1/{kind}/:name/aliases/:alias         setAliasRequest -> aliasView
//   DELETE /v1/{kind}/:name/aliases/:alias         204
//   GET    /v1/{kind}/:name/aliases/:alias/history aliasHistory         (?cursor=)
//   PUT    /v1/{kind}/:name/tags                   setTagsRequest -> itemView
//   PUT    /v1/{kind}/:name/card                   setCardRequest -> itemView
//   GET    /v1/bundles/<64 hex digits>             the manifest, byte for byte

export const kinds = ['models', 'datasets', 'bundles'] as const;
export const kind = z.enum(kinds);
export type Kind = (typeof kinds)[number];

/** One of a kind, in sentences. */
export const kindNoun: Readonly<Record<Kind, string>> = {
  models: 'model',
  datasets: 'data set',
  bundles: 'bundle',
};

export const versionNumber = z.int().min(1).max(999_999_999);

/** A letter first, so that no alias looks like a version; `latest` is always the newest version. */
export const aliasName = z
  .string()
  .regex(/^[a-z][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, ".", "_", "-", starting with a letter')
  .refine((alias) => alias !== 'latest', 'cannot be "latest", which is always the newest version');

/** Which version of an item: a number, an alias, or the newest. */
export type VersionChoice = { version: number } | { alias: string } | 'latest';

/** What stands behind the `@` of a reference, or as `:ref` in an address; null when it can be neither. */
export function parseVersionChoice(text: string): VersionChoice | null {
  if (text === 'latest') return 'latest';
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) };
  return aliasName.safeParse(text).success ? { alias: text } : null;
}

/** `name@3`, `name@champion` or `name` taken apart; null when it is none of them. */
export function parseReference(text: string): { name: string; choice: VersionChoice } | null {
  const [item = '', choice = 'latest', ...more] = text.split('@');
  const parsed = parseVersionChoice(choice);
  return more.length > 0 || parsed === null || !name.safeParse(item).success
    ? null
    : { name: item, choice: parsed };
}

/** How a version is written. */
export const referenceOf = (item: { name: string; version: number }): string =>
  `${item.name}@${item.version}`;

const label = z.string().min(1).max(200);

/** What a model version is: one ONNX graph, and the external data its weights lie in. */
export const modelDocument = z
  .strictObject({
    format: z.literal('trunkline.model/1'),
    /** What the network answers, where that is known. */
    task: name.optional(),
    files: z.array(bundleFile).min(1).max(64),
    /** Names of the classes 0, 1, 2 ...; empty where the answer is no class. */
    labels: z.array(label).max(10_000),
    /** How its input is made from raw data, in words. */
    preprocessing: z.string().max(2000).optional(),
  })
  .check(({ value, issues }) => {
    const paths = new Set(value.files.map((file) => file.path));
    const graphs = value.files.filter((file) => file.path.endsWith('.onnx')).length;
    const complaints = [
      ...(paths.size < value.files.length ? ['two files have the same path'] : []),
      ...(graphs === 1 ? [] : [`exactly one file must be *.onnx, ${graphs} are`]),
      ...(new Set(value.labels).size < value.labels.length ? ['two labels are the same'] : []),
    ];
    for (const message of complaints) issues.push({ code: 'custom', message, input: value });
  });
export type ModelDocument = z.infer<typeof modelDocument>;

/** What a bundle version is: a published manifest. Its digest is the bundle's id. */
export const bundleDocument = z.strictObject({ bundle: sha256 });
export type BundleDocument = z.infer<typeof bundleDocument>;

/** What `POST .../versions` takes, by kind. A published bundle is registered under its manifest's name already. */
export const registerRequests = {
  models: modelDocument,
  datasets: datasetDocument,
  bundles: bundleDocument,
} as const;
export const versionDocument = z.union([modelDocument, datasetDocument, bundleDocument]);
export type VersionDocument = z.infer<typeof versionDocument>;

const time = z.iso.datetime();

export const registeredVersion = z.object({ name, version: versionNumber, digest: sha256 });
export type RegisteredVersion = z.infer<typeof registeredVersion>;

export const versionView = registeredVersion.extend({
  kind,
  document: versionDocument,
  /** Of its distinct files. */
  sizeBytes: z.int().min(0),
  aliases: z.array(z.string()),
  createdAt: time,
  createdBy: z.string(),
});
export type VersionView = z.infer<typeof versionView>;

/** Newest first. */
export const versionList = z.object({ versions: z.array(versionView), next: z.int().nullable() });
export type VersionList = z.infer<typeof versionList>;

export const tags = z
  .record(name, z.string().max(200))
  .refine((all) => Object.keys(all).length <= 50, 'must be at most 50');

/** Bytes of Markdown, roughly: characters. */
export const maxCardLength = 65_536;

const item = {
  kind,
  name,
  /** The newest one; null when all were deleted: their numbers do not come back. */
  latest: versionNumber.nullable(),
  versions: z.int().min(0),
  aliases: z.record(z.string(), versionNumber),
  tags,
  /** Id of the API key (or the person) that registered the first version. */
  owner: z.string(),
  createdAt: time,
  changedAt: time,
};

export const itemView = z.object({ ...item, card: z.string() });
export type ItemView = z.infer<typeof itemView>;

/** By name; `?q=` keeps names and tags that contain the text. Cards are left out. */
export const itemList = z.object({ items: z.array(z.object(item)), next: z.string().nullable() });
export type ItemList = z.infer<typeof itemList>;

export const setAliasRequest = z.strictObject({ version: versionNumber });
export type SetAliasRequest = z.infer<typeof setAliasRequest>;

export const aliasView = z.object({
  alias: z.string(),
  /** Null: the alias was removed. */
  version: versionNumber.nullable(),
  changedAt: time,
  changedBy: z.string(),
});
export type AliasView = z.infer<typeof aliasView>;

/** Newest first. */
export const aliasHistory = z.object({ history: z.array(aliasView), next: z.int().nullable() });
export type AliasHistory = z.infer<typeof aliasHistory>;

/** All tags of the item from now on. */
export const setTagsRequest = z.strictObject({ tags });
export const setCardRequest = z.strictObject({ card: z.string().max(maxCardLength) });

/** A version another one was made from, or was made into. */
export const lineageLink = registeredVersion.extend({
  kind,
  /** `model`: a network that was merged; `data`: what it was retrained and judged on. */
  role: z.enum(['model', 'data']),
  /** Of the merge, where it had one. */
  task: name.nullable(),
});
export type LineageLink = z.infer<typeof lineageLink>;

/** A parent the manifest of a bundle names and the registry does not know (or no longer). */
export const unregisteredParent = z.object({ task: name, name: z.string(), sha256 });

export const lineageView = z.object({
  parents: z.array(lineageLink),
  children: z.array(lineageLink),
  unregistered: z.array(unregisteredParent),
});
export type LineageView = z.infer<typeof lineageView>;

/** What a runner read of the version; null until one has. */
export const inspectionView = z.object({
  inspection: z.object({ at: time, document: inspection }).nullable(),
});
export type InspectionView = z.infer<typeof inspectionView>;

/** Deletes what nothing refers to. One call does a part: again with `cursor` until `next` is null. */
export const gcRequest = z.strictObject({
  /** Only says what would go. */
  dryRun: z.boolean().default(true),
  /** Content younger than this stays: somebody may be about to refer to it. */
  graceHours: z.number().min(0).max(8760).default(24),
  cursor: z.string().max(2000).optional(),
});
export type GcRequest = z.input<typeof gcRequest>;

/** What this part did. Add the parts up. */
export const gcReply = z.object({
  /** What it was about: files noted, stored objects looked at, blobs, manifests, leftovers of uploads. */
  stage: z.enum(['index', 'adopt', 'blobs', 'manifests', 'uploads']),
  examined: z.int().min(0),
  deleted: z.array(
    z.object({ kind: z.enum(['blob', 'manifest', 'upload']), id: z.string(), sizeBytes: z.int().min(0) }),
  ),
  next: z.string().nullable(),
});
export type GcReply = z.infer<typeof gcReply>;
