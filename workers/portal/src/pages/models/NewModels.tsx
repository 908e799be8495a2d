import { useState } from 'react';
import { modelDocument } from '../../../../../shared/registry.ts';
import { name as itemNameSchema } from '../../../../../shared/manifest.ts';
import type { DroppedFile } from '../../ui/DropZone.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, Input, TextArea } from '../../ui/Field.tsx';
import { formatBytes } from '../../ui/format.ts';
import { modelDrafts, pathProblem, readLabels } from '../../uploads/drafts.ts';
import type { NewUpload } from '../../uploads/UploadQueue.ts';
import styles from './NewModels.module.css';

interface Form {
  readonly name: string;
  readonly task: string;
  readonly labels: string;
  readonly files: readonly string[];
}

/** What was dropped, before it is sent: under which names, what it answers, what its classes are called. */
export default function NewModels({
  dropped,
  onUpload,
  onClose,
}: {
  readonly dropped: readonly DroppedFile[];
  readonly onUpload: (uploads: readonly NewUpload[]) => void;
  readonly onClose: () => void;
}) {
  const { models, stray } = modelDrafts(dropped.map(({ file }) => file.name));
  const [forms, setForms] = useState<readonly Form[]>(
    models.map(({ name, files }) => ({ name, task: '', labels: '', files })),
  );
  const problems = [
    ...(models.length === 0 ? ['No .onnx file is among them.'] : []),
    ...stray.map(
      (name) => `"${name}" belongs to no .onnx file among these: drop it together with its graph.`,
    ),
    ...models.flatMap(({ files }) => files.flatMap((file) => pathProblem(file) ?? [])),
  ];
  const wrongName = (name: string): string | null =>
    itemNameSchema.safeParse(name).success
      ? null
      : '1 to 63 of a-z, 0-9, ".", "_", "-", a letter or digit first.';
  const wrongLabels = (labels: string): string | null => {
    const read = readLabels(labels);
    return new Set(read).size < read.length ? 'Two classes have the same name.' : null;
  };
  const isValid = forms.every(
    ({ name, task, labels }) =>
      wrongName(name) === null && (task === '' || wrongName(task) === null) && wrongLabels(labels) === null,
  );
  const change = (at: number, part: Partial<Form>): void =>
    setForms(forms.map((form, place) => (place === at ? { ...form, ...part } : form)));

  const upload = (): void => {
    onUpload(
      forms.map(({ name, task, labels, files }) => ({
        kind: 'models',
        name,
        document: {
          format: modelDocument.shape.format.value,
          labels: readLabels(labels),
          ...(task !== '' && { task }),
        },
        files: files.flatMap((path) => dropped.find(({ file }) => file.name === path) ?? []),
      })),
    );
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={forms.length === 1 ? 'Upload a model' : `Upload ${forms.length} models`}
      description="A name that is there already gets a new version; the same files again stay the same version."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            disabled={forms.length === 0 || problems.length > 0 || !isValid}
            onClick={upload}
          >
            Upload
          </Button>
        </>
      }
    >
      {problems.map((problem) => (
        <p key={problem} className={styles.problem} role="alert">
          {problem}
        </p>
      ))}
      {forms.map((form, at) => (
        <fieldset key={form.files[0] ?? at} className={styles.model}>
          <legend className="mono">{form.files.join(' + ')}</legend>
          <p className="small muted">
            {formatBytes(
              dropped.reduce((sum, { file }) => (form.files.includes(file.name) ? sum + file.size : sum), 0),
            )}
          </p>
          <div className="grid">
            <Field label="Name" error={wrongName(form.name)}>
              <Input
                value={form.name}
                onChange={(event) => change(at, { name: event.currentTarget.value })}
              />
            </Field>
            <Field
              label="Task (optional)"
              hint="What it answers, as clients will ask for it."
              error={form.task === '' ? null : wrongName(form.task)}
            >
              <Input
                value={form.task}
                placeholder="digit"
                onChange={(event) => change(at, { task: event.currentTarget.value })}
              />
            </Field>
          </div>
          <Field
            label="Classes (optional)"
            hint="Names of the classes 0, 1, 2 …, one a line or separated by commas."
            error={wrongLabels(form.labels)}
          >
            <TextArea
              className={styles.labels}
              rows={2}
              value={form.labels}
              onChange={(event) => change(at, { labels: event.currentTarget.value })}
            />
          </Field>
        </fieldset>
      ))}
    </Dialog>
  );
}
