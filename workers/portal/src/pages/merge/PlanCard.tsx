import { lazy, Suspense } from 'react';
import type { Storage } from '../../../../../shared/recipe.ts';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Field, Input } from '../../ui/Field.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Select, type SelectOption } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import type { Measure } from './planView.ts';
import { budgetUnit } from './typedBudget.ts';
import type { Plan } from './usePlan.ts';
import styles from './merge.module.css';

const measures: readonly SelectOption<Measure>[] = [
  { value: 'parameters', label: 'Parameters', hint: 'heads included' },
  { value: 'macs', label: 'Multiply-adds', hint: 'of all tasks on one input' },
  { value: 'bytes', label: 'Bytes of weights', hint: 'as they are stored' },
  { value: 'heap', label: 'Heap at the edge', hint: 'with the whole bundle loaded, estimated' },
];

// What draws curves is a large part of the page, and comes with the first one.
const Curve = lazy(() => import('./Curve.tsx'));

/** The predicted curve of loss against size, a budget to drag along it, and what each group shares there. */
export function PlanCard({
  plan,
  stale,
  ready,
  measure,
  budget,
  wrong,
  storage,
  place,
  onAsk,
  onMeasure,
  onBudget,
  onPlace,
}: {
  readonly plan: Plan;
  /** The form says something else by now. */
  readonly stale: boolean;
  /** Whether there is something to plan. */
  readonly ready: boolean;
  readonly measure: Measure;
  /** As it is typed. */
  readonly budget: string;
  /** What is wrong with it. */
  readonly wrong: string | undefined;
  readonly storage: Storage;
  readonly place: number;
  readonly onAsk: () => void;
  readonly onMeasure: (measure: Measure) => void;
  readonly onBudget: (budget: string) => void;
  readonly onPlace: (place: number) => void;
}) {
  const { result, busy, error, job } = plan;
  const shown = result !== null && !stale;
  return (
    <Card
      title="Budget"
      hint="What sharing costs is predicted on the data, before anything is merged. Without a budget all channels that can be shared are."
      action={
        <Button busy={busy} disabled={!ready} onClick={onAsk}>
          {shown ? 'Predict again' : 'Predict the curve'}
        </Button>
      }
    >
      <div className={styles.fields}>
        <Select label="A limit of" value={measure} options={measures} onChange={onMeasure} />
        <Field
          label={`At most, ${budgetUnit(measure) === '%' ? '% of the separate networks' : 'MiB'}`}
          hint="Empty: no limit"
          error={wrong}
        >
          <Input
            inputMode="decimal"
            value={budget}
            placeholder="no limit"
            onChange={(event) => onBudget(event.currentTarget.value)}
          />
        </Field>
      </div>
      {error !== null && <ErrorState error={error} compact />}
      {busy && (
        <Progress
          label="A runner reads the networks and measures their layers"
          value={null}
          text={
            job?.state === 'leased'
              ? (job.progress?.message ?? job.progress?.stage ?? 'working')
              : 'waiting for a runner'
          }
        />
      )}
      {!shown && !busy && error === null && (
        <p className="muted">
          {ready
            ? stale && result !== null
              ? 'The networks changed since the curve was predicted.'
              : 'Takes seconds for small networks, minutes for large ones. The merge can be started without it.'
            : 'Pick two networks that go together first.'}
        </p>
      )}
      {shown && (
        <Suspense fallback={<Skeleton lines={8} label="Loading the curve" />}>
          <Curve {...{ result, measure, storage, place, onPlace }} />
        </Suspense>
      )}
    </Card>
  );
}
