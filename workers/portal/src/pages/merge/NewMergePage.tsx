import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { useApi } from '../../api/ApiContext.tsx';
import { explain } from '../../api/explain.ts';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Check, Field, Input } from '../../ui/Field.tsx';
import { Page } from '../../ui/Page.tsx';
import { checkSources, isMergeable, unlabelledOf } from './compatibility.ts';
import { Choices } from './Choices.tsx';
import {
  checkForm,
  emptyForm,
  presetOf,
  presets,
  refusedField,
  requestOf,
  suggestedName,
  type MergeErrors,
  type MergeForm,
} from './mergeForm.ts';
import { Floors } from './Floors.tsx';
import { PlanCard } from './PlanCard.tsx';
import { placeWithin, savingOf, typedAt, whyUnkeepable } from './planView.ts';
import { SourceRows } from './SourceRows.tsx';
import { budgetOf } from './typedBudget.ts';
import { planKey, usePlan } from './usePlan.ts';
import { useSources } from './useSources.ts';
import styles from './merge.module.css';

const words = { good: 'fits', warn: 'note', bad: 'does not fit' } as const;

/** From networks and data to a merge that runs. `?model=name@3`, as often as wanted, picks networks. */
export default function NewMergePage() {
  const { client } = useApi();
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const [form, setForm] = useState<MergeForm>(() => withModels(search.getAll('model')));
  const [tried, setTried] = useState(false);
  // Pressing the button twice asks for one merge.
  const once = useRef(crypto.randomUUID());
  const known = useSources(form.sources);
  const plan = usePlan();
  const findings = checkSources(known.sources);
  const mergeable = isMergeable(known.sources);
  const unlabelled = unlabelledOf(known.sources);
  const named = { ...form, name: form.name === '' ? suggestedName(form.sources) : form.name };
  const stale = plan.askedFor !== planKey(form);
  const curve = stale ? null : plan.result;
  const budget = budgetOf(form);
  const checked = checkForm(named, unlabelled);
  const unkeepable = curve === null ? undefined : whyUnkeepable(curve, budget, form.storage);
  const errors: MergeErrors = {
    ...checked,
    ...(checked.budget === undefined && unkeepable !== undefined && { budget: unkeepable }),
  };

  const start = useMutation({
    mutationFn: () => client.jobs.merge(requestOf(named, unlabelled), once.current),
    onSuccess: (job) => go(`/jobs/${job.id}`),
  });
  const set = (next: Partial<MergeForm>): void => {
    once.current = crypto.randomUUID();
    // A refusal was of what the form said before.
    start.reset();
    setForm((before) => ({ ...before, ...next }));
  };
  const refusal = start.error === null ? null : explain(start.error).message;
  const refused = refusal === null ? null : refusedField(refusal);
  const wrong = (field: keyof MergeErrors): string | undefined =>
    (tried ? errors[field] : undefined) ?? (field === refused ? (refusal ?? undefined) : undefined);
  const begin = (): void => {
    setTried(true);
    if (mergeable && Object.keys(errors).length === 0) start.mutate();
  };

  return (
    <Page
      title="New merge"
      crumbs={[['Merges', '/merges']]}
      subtitle="Several trained networks become one: a trunk that runs once, and a small head for each task."
    >
      <Card title="Networks and data" hint="Each network with the data that it is retrained and judged on.">
        <SourceRows sources={form.sources} onChange={(sources) => set({ sources })} />
        {known.error !== null && <ErrorState error={known.error} compact />}
        {findings.length > 0 && (
          <ul className={styles.findings} aria-label="Whether they go together" aria-live="polite">
            {findings.map(({ tone, text }) => (
              <li key={text}>
                <span>
                  <Badge tone={tone}>{words[tone]}</Badge>
                </span>
                {text}
              </li>
            ))}
          </ul>
        )}
      </Card>
      <PlanCard
        plan={plan}
        stale={stale}
        ready={mergeable}
        measure={form.budgetOf}
        budget={form.budget}
        // What no plan can keep is told at once: the curve is there to look.
        wrong={unkeepable ?? wrong('budget')}
        storage={form.storage}
        place={curve === null ? 0 : Math.max(0, placeWithin(curve, budget, form.storage))}
        onAsk={() => plan.ask(form, savingOf(form.budgetOf))}
        onBudget={(next) => set({ budget: next })}
        onPlace={(next) =>
          set({ budget: curve === null ? '' : typedAt(curve, next, form.budgetOf, form.storage) })
        }
        onMeasure={(next) => {
          // A number of another unit means nothing.
          set({ budgetOf: next, budget: '' });
          // Another measure gives up other channels first: another curve.
          if (curve !== null && curve.of !== savingOf(next)) plan.ask(form, savingOf(next));
        }}
      />
      <Card title="Retraining" hint="After each layer is shared, a little training restores what it cost.">
        <Choices
          label="How much"
          value={presetOf(form)}
          options={presets}
          onChange={(id) => {
            const preset = presets.find((one) => one.id === id);
            if (preset) set({ stepsPerLayer: preset.stepsPerLayer, finalSteps: preset.finalSteps });
          }}
        />
        <details className={styles.more}>
          <summary>Steps, floors and wiring</summary>
          <div className="stack">
            <div className={styles.fields}>
              <Field label="Steps after each layer" error={wrong('stepsPerLayer')}>
                <Input
                  inputMode="numeric"
                  value={form.stepsPerLayer}
                  onChange={(e) => set({ stepsPerLayer: e.currentTarget.value })}
                />
              </Field>
              <Field label="Steps at the end" error={wrong('finalSteps')}>
                <Input
                  inputMode="numeric"
                  value={form.finalSteps}
                  onChange={(e) => set({ finalSteps: e.currentTarget.value })}
                />
              </Field>
              <Field label="Batch size" hint="Samples of each task a step" error={wrong('batchSize')}>
                <Input
                  inputMode="numeric"
                  value={form.batchSize}
                  onChange={(e) => set({ batchSize: e.currentTarget.value })}
                />
              </Field>
              <Field label="Learning rate" error={wrong('learningRate')}>
                <Input
                  inputMode="decimal"
                  value={form.learningRate}
                  onChange={(e) => set({ learningRate: e.currentTarget.value })}
                />
              </Field>
              <Field
                label="Distillation, %"
                hint="0: labels only; 100: the originals' answers only"
                error={wrong('distillation')}
              >
                <Input
                  inputMode="decimal"
                  value={form.distillation}
                  onChange={(e) => set({ distillation: e.currentTarget.value })}
                />
              </Field>
            </div>
            <Floors form={form} unlabelled={unlabelled} tried={tried} wrong={wrong} onChange={set} />
            <Choices
              label="Wiring"
              value={form.wiring}
              options={[
                {
                  id: 'one-way',
                  label: 'One-way',
                  hint: 'Shared channels read shared ones only: the trunk runs once for all tasks',
                },
                {
                  id: 'crossed',
                  label: 'Crossed',
                  hint: "As in the paper: shared channels read each task's own too; saves bytes, not time",
                },
                { id: 'prefix', label: 'Prefix', hint: 'Whole layers from the input on, or nothing' },
              ]}
              onChange={(wiring) => set({ wiring })}
            />
          </div>
        </details>
      </Card>
      <Card title="Result">
        <Choices
          label="Weights are stored as"
          value={form.storage}
          options={[
            { id: 'float32', label: 'float32', hint: 'Exactly what was trained' },
            { id: 'float16', label: 'float16', hint: 'Half the bytes, nearly the same answers' },
            {
              id: 'int8',
              label: 'int8',
              hint: 'A quarter of the bytes; refused where it costs more than half a point',
            },
          ]}
          onChange={(storage) => set({ storage })}
        />
        <div className={styles.fields}>
          <Field
            label="Name of the bundle"
            hint="It becomes the next version of this name"
            error={wrong('name')}
          >
            <Input
              value={form.name}
              placeholder={suggestedName(form.sources) || 'e.g. digit-fashion'}
              onChange={(e) => set({ name: e.currentTarget.value })}
            />
          </Field>
          <Field label="Endpoint" hint="Optional: where it is meant to serve" error={wrong('endpoint')}>
            <Input
              value={form.endpoint}
              placeholder="none"
              onChange={(e) => set({ endpoint: e.currentTarget.value })}
            />
          </Field>
        </div>
        <Check
          label="Publish it to the endpoint as soon as it is there"
          hint="Otherwise it is registered, and publishing is one click on its page"
          checked={form.publish}
          onChange={(publish) => set({ publish })}
        />
      </Card>
      {start.error !== null && <ErrorState error={start.error} />}
      <div className={styles.submit}>
        <p className="muted" role="status">
          {!mergeable
            ? 'Pick two networks with data that go together.'
            : tried && Object.keys(errors).length > 0
              ? `Correct first: ${Object.values(errors).join(' ')}`
              : 'Everything else has a sensible default.'}
        </p>
        <Button kind="primary" busy={start.isPending} aria-disabled={!mergeable} onClick={begin}>
          Start the merge
        </Button>
      </div>
    </Page>
  );
}

/** The form with networks picked in the address; their tasks and data are still to be chosen. */
function withModels(models: readonly string[]): MergeForm {
  const rows = Math.max(2, models.length);
  return {
    ...emptyForm,
    sources: Array.from({ length: rows }, (_, at) => ({
      key: at + 1,
      task: models[at]?.split('@')[0] ?? '',
      model: models[at] ?? null,
      data: null,
      floor: '',
    })),
  };
}
