import { useState } from 'react';
import { hasLabels } from '../../../../../shared/dataset.ts';
import { name as itemNameSchema } from '../../../../../shared/manifest.ts';
import { describePreprocessing } from '../../../../../shared/preprocessing.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import type { DroppedFile } from '../../ui/DropZone.tsx';
import { Check, Field, Input, TextArea } from '../../ui/Field.tsx';
import { formatBytes, formatPlural } from '../../ui/format.ts';
import { Select } from '../../ui/Select.tsx';
import {
  datasetDraft,
  describeDraft,
  pathProblem,
  readClasses,
  readLabels,
  withoutLabels,
} from '../../uploads/drafts.ts';
import type { NewUpload } from '../../uploads/UploadQueue.ts';
import { emptyForm, readForm, type PreprocessingForm } from './preprocessingForm.ts';

const unlabelledHint =
  'A task then learns from what its own network answers, and is measured by how many of those answers stay, not by accuracy.';

/** What was dropped, before it is sent: its name, its classes, how images become inputs, what is held out. */
export default function NewDataset({
  dropped,
  onUpload,
  onClose,
}: {
  readonly dropped: readonly DroppedFile[];
  readonly onUpload: (upload: NewUpload) => void;
  readonly onClose: () => void;
}) {
  const names = dropped.map(({ file }) => file.name);
  const draft = datasetDraft(names);
  const usable = typeof draft === 'string' ? null : draft;
  const isImages = usable?.source.kind === 'images';
  const [bare, setBare] = useState(false);
  const source = usable === null ? null : bare ? withoutLabels(usable.source) : usable.source;
  const isLabelled = source === null || hasLabels(source);
  const [name, setName] = useState(usable?.name ?? '');
  const [labels, setLabels] = useState('');
  const [heldOut, setHeldOut] = useState('10');
  const [form, setForm] = useState<PreprocessingForm>(
    isImages
      ? { ...emptyForm, channels: 'rgb', width: '32', height: '32' }
      : usable?.source.kind === 'idx'
        ? { ...emptyForm, channels: 'grey', width: '28', height: '28', resize: false }
        : emptyForm,
  );

  const classes = isLabelled ? readLabels(labels) : readClasses(labels);
  const share = Number(heldOut);
  const wrongName = itemNameSchema.safeParse(name).success
    ? null
    : '1 to 63 of a-z, 0-9, ".", "_", "-", a letter or digit first.';
  const wrongLabels =
    classes.length === 0
      ? 'Name the classes.'
      : new Set(classes).size < classes.length
        ? 'Two classes have the same name.'
        : null;
  const wrongShare = share >= 1 && share <= 50 ? null : 'From 1 to 50 %.';
  const read = readForm(form);
  const wrongForm =
    'wrong' in read
      ? read.wrong
      : isImages && read.value === null
        ? 'Images need a size: say what the network reads.'
        : null;
  const problems = [
    ...(typeof draft === 'string' ? [draft] : []),
    ...names.flatMap((file) => pathProblem(file) ?? []),
  ];
  const hasHeldOut = usable !== null && 'source' in usable.split;
  const isValid =
    usable !== null &&
    problems.length === 0 &&
    wrongName === null &&
    wrongLabels === null &&
    wrongForm === null &&
    (hasHeldOut || wrongShare === null);

  const upload = (): void => {
    if (usable === null || source === null || 'wrong' in read) return;
    onUpload({
      kind: 'datasets',
      name,
      document: {
        format: 'trunkline.dataset/1',
        source,
        preprocessing: read.value,
        labels: classes,
        split: hasHeldOut ? usable.split : { validation: share / 100, seed: 1 },
      },
      files: usable.files.flatMap((path) => dropped.find(({ file }) => file.name === path) ?? []),
    });
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Upload a data set"
      description={
        usable === null || source === null
          ? undefined
          : `${describeDraft({ ...usable, source })}: ${names.join(', ')}, ${formatBytes(dropped.reduce((sum, { file }) => sum + file.size, 0))}`
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!isValid} onClick={upload}>
            Upload
          </Button>
        </>
      }
    >
      {problems.map((problem) => (
        <p key={problem} role="alert" className="wrap">
          {problem}
        </p>
      ))}
      {usable !== null && (
        <>
          <div className="grid">
            <Field label="Name" error={wrongName}>
              <Input value={name} onChange={(event) => setName(event.currentTarget.value)} />
            </Field>
            {!hasHeldOut && (
              <Field
                label={isLabelled ? 'Held out, in % of every class' : 'Held out, in %'}
                hint="Never trained on: networks are judged by it."
                error={wrongShare}
              >
                <Input
                  inputMode="decimal"
                  value={heldOut}
                  onChange={(event) => setHeldOut(event.currentTarget.value)}
                />
              </Field>
            )}
          </div>
          {usable.source.kind === 'idx' ? (
            !isLabelled && <p className="small muted">{unlabelledHint}</p>
          ) : (
            <Check
              label="The samples have no labels"
              hint={unlabelledHint}
              checked={bare}
              onChange={setBare}
            />
          )}
          <Field
            label={`Classes (${formatPlural(classes.length, 'name')})`}
            hint={
              !isLabelled
                ? 'Those of the network, in the order of its answers: their names, or only how many, as 10.'
                : isImages
                  ? 'As the folders are called, in the order of the network’s answers; one a line or separated by commas.'
                  : 'Names of the classes 0, 1, 2 …, one a line or separated by commas.'
            }
            error={labels === '' ? null : wrongLabels}
          >
            <TextArea rows={3} value={labels} onChange={(event) => setLabels(event.currentTarget.value)} />
          </Field>
          <Select
            label="How a sample becomes an input"
            value={form.channels}
            onChange={(channels) => setForm({ ...form, channels })}
            options={[
              ...(isImages
                ? []
                : [
                    {
                      value: 'none' as const,
                      label: 'As it is stored',
                      hint: 'The arrays hold what the network reads',
                    },
                  ]),
              { value: 'grey', label: 'Grey image', hint: 'One channel, pixels / 255' },
              { value: 'rgb', label: 'Colour image', hint: 'Three channels, pixels / 255' },
            ]}
          />
          {form.channels !== 'none' && (
            <>
              <div className="grid">
                <Field label="Width, pixels">
                  <Input
                    inputMode="numeric"
                    value={form.width}
                    onChange={(event) => setForm({ ...form, width: event.currentTarget.value })}
                  />
                </Field>
                <Field label="Height, pixels">
                  <Input
                    inputMode="numeric"
                    value={form.height}
                    onChange={(event) => setForm({ ...form, height: event.currentTarget.value })}
                  />
                </Field>
                <Field label="Mean" hint="Subtracted; one number, or one a channel.">
                  <Input
                    value={form.mean}
                    onChange={(event) => setForm({ ...form, mean: event.currentTarget.value })}
                  />
                </Field>
                <Field label="Standard deviation" hint="Divided by; one number, or one a channel.">
                  <Input
                    value={form.std}
                    onChange={(event) => setForm({ ...form, std: event.currentTarget.value })}
                  />
                </Field>
              </div>
              <Check
                label="Resize images of other sizes"
                hint="Otherwise all must have this size already."
                checked={form.resize}
                onChange={(resize) => setForm({ ...form, resize })}
              />
              <p className="small muted">
                {wrongForm ??
                  ('value' in read && read.value !== null ? describePreprocessing(read.value) : '')}
              </p>
            </>
          )}
        </>
      )}
    </Dialog>
  );
}
