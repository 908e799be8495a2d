import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import type { BundleDocument } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Check, Field, Input } from '../../ui/Field.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Select } from '../../ui/Select.tsx';
import { readManifest } from '../bundles/useBundle.ts';
import {
  checkExperiment,
  emptyExperiment,
  experimentOf,
  type Candidate,
  type ExperimentForm,
} from './experimentForm.ts';
import styles from './experiments.module.css';

const mostItems = 500;

/** What an endpoint serves now against another bundle. */
export default function NewExperimentPage() {
  const { client } = useApi();
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const [form, setForm] = useState<ExperimentForm>(emptyExperiment);
  const [endpointName, setEndpoint] = useState(search.get('endpoint'));
  const [bundleRef, setBundle] = useState(search.get('bundle'));
  const [tried, setTried] = useState(false);
  const set = (next: Partial<ExperimentForm>): void => setForm((before) => ({ ...before, ...next }));
  const choices = useQuery({
    queryKey: ['experiment-choices'],
    queryFn: async () => ({
      endpoints: await take(client.endpoints.list(), mostItems),
      bundles: await take(client.bundles.list(), mostItems),
    }),
  });
  const endpoint = choices.data?.endpoints.find(({ name }) => name === endpointName);
  const bundle = useQuery({
    queryKey: ['experiment-bundle', bundleRef],
    enabled: bundleRef !== null,
    queryFn: async () => {
      const [name = '', ref = 'latest'] = (bundleRef ?? '').split('@');
      const version = await client.bundles.version(name, ref);
      const id = (version.document as BundleDocument).bundle;
      const { manifest } = await readManifest(client, id);
      return { id, name: manifest.name, tasks: manifest.heads.map(({ task }) => task) };
    },
  });
  const tasks = Object.keys(endpoint?.tasks ?? {});
  const answered = tasks.filter((task) => bundle.data?.tasks.includes(task));
  const candidate: Candidate | null =
    bundle.data === undefined || answered.length === 0
      ? null
      : {
          name: bundle.data.name === 'current' ? 'candidate' : bundle.data.name,
          tasks: Object.fromEntries(answered.map((task) => [task, bundle.data.id])),
        };
  const same = candidate !== null && answered.every((task) => endpoint?.tasks[task] === bundle.data?.id);
  const errors = checkExperiment(form);
  const ready = endpoint !== undefined && candidate !== null && !same;
  const create = useMutation({
    mutationFn: async (start: boolean) => {
      if (endpoint === undefined || candidate === null) return null;
      const saved = await client.experiments.save(form.name, experimentOf(form, endpoint, candidate), 0);
      if (start) await client.experiments.start(form.name, saved.version);
      return saved;
    },
    onSuccess: (saved) => {
      if (saved !== null) go(`/experiments/${saved.experiment}`);
    },
  });
  const begin = (start: boolean): void => {
    setTried(true);
    if (ready && Object.keys(errors).length === 0) create.mutate(start);
  };
  const wrong = (field: keyof ExperimentForm): string | undefined => (tried ? errors[field] : undefined);
  const text = (
    field:
      | 'name'
      | 'unitName'
      | 'share'
      | 'margin'
      | 'maxDrop'
      | 'maxSlower'
      | 'maxErrors'
      | 'plannedUnits'
      | 'alpha',
  ) => ({
    value: form[field],
    onChange: (event: { currentTarget: { value: string } }) => set({ [field]: event.currentTarget.value }),
  });
  return (
    <Page
      title="New experiment"
      crumbs={[['Experiments', '/experiments']]}
      subtitle="What an endpoint serves now, against another bundle, on its own traffic."
    >
      <Loaded query={choices}>
        {({ endpoints, bundles }) =>
          endpoints.length === 0 || bundles.length === 0 ? (
            <EmptyState
              title="There is nothing to compare yet"
              action={<ButtonLink to="/bundles">Bundles</ButtonLink>}
            >
              Publish a bundle to an endpoint first; another bundle is then compared with it.
            </EmptyState>
          ) : (
            <div className="stack">
              <Card title="What is compared">
                <div className={styles.fields}>
                  <Field label="Name" hint="Part of its address; it cannot be changed" error={wrong('name')}>
                    <Input placeholder="e.g. merged-or-separate" {...text('name')} />
                  </Field>
                  <Select
                    label="Endpoint"
                    value={endpointName}
                    onChange={setEndpoint}
                    options={endpoints.map(({ name, tasks: of }) => ({
                      value: name,
                      label: name,
                      hint: Object.keys(of).join(', '),
                    }))}
                  />
                  <Select
                    label="Candidate"
                    value={bundleRef}
                    onChange={setBundle}
                    options={bundles.flatMap(({ name, latest, aliases }) =>
                      latest === null
                        ? []
                        : [
                            {
                              value: `${name}@${latest}`,
                              label: `${name}@${latest}`,
                              hint: 'newest version',
                            },
                            ...Object.entries(aliases).map(([alias, version]) => ({
                              value: `${name}@${alias}`,
                              label: `${name}@${alias}`,
                              hint: `version ${version}`,
                            })),
                          ],
                    )}
                  />
                  <Field label="Units that get the candidate, %" error={wrong('share')}>
                    <Input inputMode="decimal" {...text('share')} />
                  </Field>
                </div>
                <p className="muted" role="status">
                  {endpoint === undefined || bundle.data === undefined
                    ? 'Choose an endpoint and a candidate.'
                    : candidate === null
                      ? `The candidate answers ${bundle.data.tasks.join(', ')}, none of which ${endpoint.name} serves.`
                      : same
                        ? 'The endpoint serves this bundle already: choose another one.'
                        : `Compared on ${answered.join(', ')}${answered.length < tasks.length ? '; the other tasks stay as they are in both arms' : ''}.`}
                </p>
                {bundle.error !== null && <ErrorState error={bundle.error} compact />}
              </Card>
              <Card
                title="Who is a unit"
                hint="Requests of one unit always get the same arm. Requests that name none get what is served now and are not counted."
              >
                <div className={styles.fields}>
                  <Select
                    label="Named by"
                    value={form.unitFrom}
                    onChange={(unitFrom) => set({ unitFrom })}
                    options={[
                      { value: 'header', label: 'a header' },
                      { value: 'query', label: 'a query parameter' },
                      { value: 'cookie', label: 'a cookie' },
                    ]}
                  />
                  <Field label="Called" error={wrong('unitName')}>
                    <Input {...text('unitName')} />
                  </Field>
                </div>
              </Card>
              <Card
                title="How good is good enough"
                hint="Stated before the first look, as it has to be. Intervals hold however often one looks."
              >
                <div className={styles.fields}>
                  <Field
                    label="Margin, points"
                    hint="A task may lose this much and count as not inferior"
                    error={wrong('margin')}
                  >
                    <Input inputMode="decimal" {...text('margin')} />
                  </Field>
                  {answered.map((task) => (
                    <Field key={task} label={`Margin of ${task}, points`}>
                      <Input
                        inputMode="decimal"
                        value={form.margins[task] ?? ''}
                        placeholder={form.margin}
                        onChange={({ currentTarget: { value } }) => {
                          const others = Object.entries(form.margins).filter(([one]) => one !== task);
                          set({
                            margins: Object.fromEntries(value === '' ? others : [...others, [task, value]]),
                          });
                        }}
                      />
                    </Field>
                  ))}
                  <Field label="Chance of a wrong verdict, %" error={wrong('alpha')}>
                    <Input inputMode="decimal" {...text('alpha')} />
                  </Field>
                  <Field
                    label="Planned units"
                    hint="Where the intervals are tightest"
                    error={wrong('plannedUnits')}
                  >
                    <Input inputMode="numeric" {...text('plannedUnits')} />
                  </Field>
                </div>
              </Card>
              <Card title="What rolls it back by itself" hint="Empty: no such guardrail.">
                <div className={styles.fields}>
                  <Field label="Accuracy lost, points" error={wrong('maxDrop')}>
                    <Input inputMode="decimal" {...text('maxDrop')} />
                  </Field>
                  <Field label="Mean latency more, %" error={wrong('maxSlower')}>
                    <Input inputMode="decimal" {...text('maxSlower')} />
                  </Field>
                  <Field label="Errors more, points" error={wrong('maxErrors')}>
                    <Input inputMode="decimal" {...text('maxErrors')} />
                  </Field>
                </div>
                <Check
                  label="Widen it step by step: 1, 5, 10, 25, 50, 100 %"
                  hint="Otherwise it begins with all traffic"
                  checked={form.guarded}
                  onChange={(guarded) => set({ guarded })}
                />
              </Card>
              {create.error !== null && <ErrorState error={create.error} />}
              <div className="row">
                <Button
                  kind="primary"
                  busy={create.isPending}
                  aria-disabled={!ready}
                  onClick={() => begin(true)}
                >
                  Create and start
                </Button>
                <Button busy={create.isPending} aria-disabled={!ready} onClick={() => begin(false)}>
                  Save as a draft
                </Button>
                {tried && Object.keys(errors).length > 0 && (
                  <p className="muted">Correct first: {Object.values(errors).join(' ')}</p>
                )}
              </div>
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}
