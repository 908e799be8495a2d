import { Field, Input } from '../../ui/Field.tsx';
import { floorError, type MergeErrors, type MergeForm, type Unlabelled } from './mergeForm.ts';
import styles from './merge.module.css';

/** What tasks may lose: points that any of them may, or an accuracy of one task. */
export function Floors({
  form,
  unlabelled,
  tried,
  wrong,
  onChange,
}: {
  readonly form: MergeForm;
  readonly unlabelled: Unlabelled;
  readonly tried: boolean;
  readonly wrong: (field: keyof MergeErrors) => string | undefined;
  readonly onChange: (next: Partial<MergeForm>) => void;
}) {
  const { sources } = form;
  // What the service says names the task.
  const refused = sources.some((source) => floorError(source, unlabelled)) ? undefined : wrong('floors');
  return (
    <fieldset className={styles.group}>
      <legend>Floors, measured on held-out samples: below one a layer shares less</legend>
      <div className={styles.fields}>
        <Field
          label="Points a task may lose"
          hint="Where it has no floor of its own"
          error={wrong('maxDrop')}
        >
          <Input
            inputMode="decimal"
            value={form.maxDrop}
            placeholder="no floor"
            onChange={(event) => onChange({ maxDrop: event.currentTarget.value })}
          />
        </Field>
        {sources
          .filter(({ task }) => task !== '')
          .map((source) => {
            const { key, task, floor } = source;
            const isBlind = unlabelled.judged.includes(task);
            return (
              <Field
                key={key}
                label={`Least accuracy of ${task}, %`}
                hint={isBlind ? 'No labels: judged by answers that stay' : 'Empty: no floor of its own'}
                error={(tried ? floorError(source, unlabelled) : undefined) ?? refusalOf(refused, task)}
              >
                <Input
                  inputMode="decimal"
                  value={isBlind ? '' : floor}
                  disabled={isBlind}
                  placeholder={isBlind ? 'not measured' : 'no floor'}
                  onChange={(event) => {
                    const next = event.currentTarget.value;
                    onChange({
                      sources: sources.map((one) => (one.key === key ? { ...one, floor: next } : one)),
                    });
                  }}
                />
              </Field>
            );
          })}
      </div>
    </fieldset>
  );
}

const refusalOf = (message: string | undefined, task: string): string | undefined =>
  message?.includes(`.accuracy.${task}:`) ? message : undefined;
