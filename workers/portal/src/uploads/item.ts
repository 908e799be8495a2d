import type { Kind } from '../../../../shared/registry.ts';

/** What a file of an upload is at. `sentBytes` counts what the service has acknowledged, never what was only handed to the network. */
export interface UploadFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly hashedBytes: number;
  /** Null until the whole file was read. */
  readonly sha256: string | null;
  readonly sentBytes: number;
  /** The service has the whole file and has checked its digest. */
  readonly committed: boolean;
}

export const uploadStates = [
  'waiting',
  'hashing',
  'sending',
  'committing',
  'registering',
  'done',
  'paused',
  'needs-file',
  'failed',
] as const;
export type UploadState = (typeof uploadStates)[number];

/** One model or data set on its way: its files, then the version they become. */
export interface UploadItem {
  readonly id: string;
  readonly kind: Exclude<Kind, 'bundles'>;
  readonly name: string;
  /** The version's document, all but `files`. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly files: readonly UploadFile[];
  readonly state: UploadState;
  readonly error: unknown;
  /** The version it became. */
  readonly version: number | null;
}

export const freshFile = (path: string, sizeBytes: number): UploadFile => ({
  path,
  sizeBytes,
  hashedBytes: 0,
  sha256: null,
  sentBytes: 0,
  committed: false,
});

export const isActive = ({ state }: UploadItem): boolean =>
  ['waiting', 'hashing', 'sending', 'committing', 'registering'].includes(state);

const total = (item: UploadItem, bytes: (file: UploadFile) => number): number =>
  item.files.reduce((sum, file) => sum + bytes(file), 0);

export const sizeOf = (item: UploadItem): number => total(item, ({ sizeBytes }) => sizeBytes);

/**
 * How far it is, 0 to 1, of what its state does: reading while it is hashed, what the service has while it is sent. Null
 * where nobody can say (the service checks and registers).
 */
export function progressOf(item: UploadItem): number | null {
  const size = sizeOf(item);
  const share = (bytes: number): number => (size === 0 ? 1 : bytes / size);
  switch (item.state) {
    case 'hashing':
      return share(total(item, ({ hashedBytes }) => hashedBytes));
    case 'committing':
    case 'registering':
      return null;
    case 'done':
      return 1;
    case 'waiting':
    case 'sending':
    case 'paused':
    case 'needs-file':
    case 'failed':
      return share(total(item, ({ sentBytes }) => sentBytes));
    default:
      return item.state satisfies never;
  }
}

/** For people. */
export const stateText: Readonly<Record<UploadState, string>> = {
  waiting: 'Waiting',
  hashing: 'Reading',
  sending: 'Sending',
  committing: 'Being checked',
  registering: 'Registering',
  done: 'Registered',
  paused: 'Paused',
  'needs-file': 'Needs the file again',
  failed: 'Stopped',
};

/**
 * As it is after the page was loaded anew: whatever was going on is paused, and files are to be read again, as only their
 * digest tells whether they are still the same.
 */
export const restored = (item: UploadItem): UploadItem => ({
  ...item,
  ...(isActive(item) && { state: 'paused' }),
  error: null,
  files: item.files.map((file) => (file.committed ? file : { ...file, hashedBytes: 0 })),
});
