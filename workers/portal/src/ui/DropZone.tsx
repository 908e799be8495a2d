import { useId, useRef, useState, type DragEvent } from 'react';
import { Button } from './Button.tsx';
import { cx } from './cx.ts';
import { Upload } from './icons.tsx';
import styles from './DropZone.module.css';

/** A file that came, and its handle where the browser gives one: with it a reload can go on without asking for the file. */
export interface DroppedFile {
  readonly file: File;
  readonly handle: FileSystemFileHandle | null;
}

/** Takes files by drag and drop or from the system's window. */
export function DropZone({
  title,
  hint,
  accept,
  multiple = true,
  onFiles,
}: {
  readonly title: string;
  readonly hint: string;
  /** As of `<input accept>`: ".onnx,.data". */
  readonly accept?: string;
  readonly multiple?: boolean;
  readonly onFiles: (files: DroppedFile[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const id = useId();

  const drop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    setOver(false);
    // What was dropped can be asked for during the event only: all promises start before the first is awaited.
    const waiting = [...event.dataTransfer.items]
      .filter(({ kind }) => kind === 'file')
      .map((item) => ({ file: item.getAsFile(), handle: handleOf(item) }));
    const dropped = await Promise.all(
      waiting.map(async ({ file, handle }) => ({ file, handle: await handle })),
    );
    const files = dropped.flatMap(({ file, handle }) => (file === null ? [] : [{ file, handle }]));
    if (files.length > 0) onFiles(multiple ? files : files.slice(0, 1));
  };

  return (
    <div
      className={cx(styles.zone, over && styles.over)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => void drop(event)}
    >
      <span className={styles.icon}>
        <Upload />
      </span>
      <div>
        <p className={styles.title}>{title}</p>
        <p className={styles.hint} id={id}>
          {hint}
        </p>
      </div>
      <Button onClick={() => input.current?.click()} aria-describedby={id}>
        Choose {multiple ? 'files' : 'a file'}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={title}
        multiple={multiple}
        {...(accept !== undefined && { accept })}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])].map((file) => ({ file, handle: null }));
          // So that the same file can be chosen again.
          event.currentTarget.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </div>
  );
}

async function handleOf(item: DataTransferItem): Promise<FileSystemFileHandle | null> {
  if (!('getAsFileSystemHandle' in item)) return null;
  const ask = item.getAsFileSystemHandle as () => Promise<FileSystemHandle | null>;
  const handle = await ask.call(item).catch(() => null);
  return handle?.kind === 'file' ? (handle as FileSystemFileHandle) : null;
}
