import { useRef, useState } from 'react';
import { Link } from 'wouter';
import { Button } from '../ui/Button.tsx';
import { Card } from '../ui/Card.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { ErrorState } from '../ui/ErrorState.tsx';
import { formatBytes } from '../ui/format.ts';
import { Progress } from '../ui/Progress.tsx';
import { isActive, progressOf, sizeOf, stateText, type UploadFile, type UploadItem } from './item.ts';
import type { UploadQueue } from './UploadQueue.ts';
import styles from './UploadList.module.css';

/** Every upload with how far it is, and what can be done about it. */
export function UploadList({
  items,
  queue,
}: {
  readonly items: readonly UploadItem[];
  readonly queue: UploadQueue;
}) {
  if (items.length === 0) return null;
  const done = items.filter(({ state }) => state === 'done');
  return (
    <Card
      title="Uploads"
      hint="They go on while you look at other pages; after a reload they go on from where they were."
      action={
        done.length > 0 ? (
          <Button small kind="quiet" onClick={() => done.forEach(({ id }) => queue.remove(id))}>
            Clear finished
          </Button>
        ) : undefined
      }
    >
      <ul className={styles.list}>
        {items.map((item) => (
          <li key={item.id} className={styles.item}>
            <Upload item={item} queue={queue} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Upload({ item, queue }: { readonly item: UploadItem; readonly queue: UploadQueue }) {
  const input = useRef<HTMLInputElement>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  return (
    <>
      <div className="spread">
        <strong className="wrap">
          {item.version === null ? (
            item.name
          ) : (
            <Link href={`/${item.kind}/${item.name}?version=${item.version}`}>
              {item.name}@{item.version}
            </Link>
          )}
        </strong>
        <div className="row">
          {isActive(item) && item.state !== 'registering' && (
            <Button small onClick={() => queue.pause(item.id)}>
              Pause
            </Button>
          )}
          {(item.state === 'paused' || item.state === 'failed') && (
            <Button small kind="primary" onClick={() => void queue.resume(item.id)}>
              {item.state === 'paused' ? 'Resume' : 'Try again'}
            </Button>
          )}
          {item.state === 'needs-file' && (
            <>
              <Button small kind="primary" onClick={() => input.current?.click()}>
                Choose {item.files.map(({ path }) => path).join(', ')}
              </Button>
              <input
                ref={input}
                type="file"
                hidden
                multiple={item.files.length > 1}
                aria-label={`The files of ${item.name} again`}
                onChange={(event) => {
                  const files = [...(event.currentTarget.files ?? [])].map((file) => ({
                    file,
                    handle: null,
                  }));
                  event.currentTarget.value = '';
                  setWrong(queue.giveFiles(item.id, files));
                }}
              />
            </>
          )}
          {item.state === 'done' ? (
            <Button small kind="quiet" onClick={() => queue.remove(item.id)}>
              Dismiss
            </Button>
          ) : (
            <Confirm
              trigger={
                <Button small kind="quiet">
                  Remove
                </Button>
              }
              title={`Remove the upload of ${item.name}?`}
              description="What was sent of it is thrown away after a day. Nothing that is registered changes."
              action="Remove"
              onConfirm={() => {
                queue.remove(item.id);
                return Promise.resolve();
              }}
            />
          )}
        </div>
      </div>
      <Progress label={stateText[item.state]} value={progressOf(item)} text={textOf(item)} />
      {item.files.length > 1 && (
        <ul className={styles.files}>
          {item.files.map((file) => (
            <li key={file.path}>
              <span className="wrap">{file.path}</span>
              <span className="muted">{fileText(file)}</span>
            </li>
          ))}
        </ul>
      )}
      {item.state === 'needs-file' && (
        <p className="small muted">
          The browser forgot where the file is. Choose it again: what was sent stays, and its digest is
          compared.
        </p>
      )}
      {wrong !== null && <p className={styles.wrong}>{wrong}</p>}
      {item.state === 'failed' && <ErrorState error={item.error} compact />}
    </>
  );
}

function textOf(item: UploadItem): string {
  const size = formatBytes(sizeOf(item));
  const sum = (bytes: (file: UploadFile) => number): string =>
    formatBytes(item.files.reduce((total, file) => total + bytes(file), 0));
  switch (item.state) {
    case 'hashing':
      return `${sum((file) => file.hashedBytes)} of ${size} read`;
    case 'committing':
      return `${size} sent, the digest is being checked`;
    case 'registering':
      return `${size} stored`;
    case 'done':
      return size;
    case 'waiting':
    case 'sending':
    case 'paused':
    case 'needs-file':
    case 'failed':
      return `${sum((file) => file.sentBytes)} of ${size} sent`;
    default:
      return item.state satisfies never;
  }
}

function fileText({ committed, sha256, hashedBytes, sentBytes, sizeBytes }: UploadFile): string {
  if (committed) return `${formatBytes(sizeBytes)} committed`;
  if (sha256 !== null) return `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)} sent`;
  return `${formatBytes(hashedBytes)} of ${formatBytes(sizeBytes)} read`;
}
