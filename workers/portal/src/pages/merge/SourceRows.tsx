import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ItemList } from '../../../../../shared/registry.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Field, Input } from '../../ui/Field.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Select, type SelectOption } from '../../ui/Select.tsx';
import { Cross } from '../../ui/icons.tsx';
import { guessData, type SourceForm } from './mergeForm.ts';
import { modelQuery } from './useSources.ts';
import styles from './merge.module.css';

/** Items offered at most: more than that are found by name. */
const mostItems = 1000;

type Item = ItemList['items'][number];

/** The newest version of each item, then what aliases point at. */
const optionsOf = (items: readonly Item[]): SelectOption<string>[] =>
  items.flatMap(({ name, latest, aliases }) =>
    latest === null
      ? []
      : [
          { value: `${name}@${latest}`, label: `${name}@${latest}`, hint: 'newest version' },
          ...Object.entries(aliases).map(([alias, version]) => ({
            value: `${name}@${alias}`,
            label: `${name}@${alias}`,
            hint: `alias of version ${version}`,
          })),
        ],
  );

/** One row a network: the network, its data, and what the task is called. */
export function SourceRows({
  sources,
  onChange,
}: {
  readonly sources: readonly SourceForm[];
  readonly onChange: (sources: SourceForm[]) => void;
}) {
  const { client } = useApi();
  const queries = useQueryClient();
  const items = useQuery({
    queryKey: ['merge-items'],
    queryFn: async () => ({
      models: await take(client.models.list(), mostItems),
      datasets: await take(client.datasets.list(), mostItems),
    }),
  });
  const change = (key: number, next: Partial<SourceForm>): void =>
    onChange(sources.map((one) => (one.key === key ? { ...one, ...next } : one)));
  const pickModel = async (source: SourceForm, model: string, datasets: readonly Item[]): Promise<void> => {
    change(source.key, { model });
    const known = await queries.query(modelQuery(client, model));
    const task = known.document.task ?? model.split('@')[0] ?? '';
    const guess = source.data === null ? guessData(task, datasets) : null;
    const found = datasets.find(({ name }) => name === guess);
    change(source.key, {
      model,
      task,
      ...(found?.latest != null && { data: `${found.name}@${found.latest}` }),
    });
  };
  return (
    <Loaded query={items}>
      {({ models, datasets }) =>
        models.length === 0 ? (
          <EmptyState
            title="There are no networks yet"
            action={<ButtonLink to="/models">Add models</ButtonLink>}
          >
            A merge takes two or more trained networks and the data that each of them is retrained and judged
            on.
          </EmptyState>
        ) : (
          <div className="stack">
            {sources.map((source, at) => (
              <fieldset key={source.key} className={styles.source}>
                <legend className="visually-hidden">Network {at + 1}</legend>
                <Select
                  label="Network"
                  value={source.model}
                  options={optionsOf(models)}
                  placeholder="Choose a network"
                  onChange={(model) => void pickModel(source, model, datasets)}
                />
                <Select
                  label="Data"
                  value={source.data}
                  options={optionsOf(datasets)}
                  placeholder="Choose a data set"
                  onChange={(data) => change(source.key, { data })}
                />
                <Field label="Task">
                  <Input
                    value={source.task}
                    placeholder="what it answers"
                    onChange={(event) => change(source.key, { task: event.currentTarget.value })}
                  />
                </Field>
                <Button
                  kind="quiet"
                  aria-label={`Remove network ${at + 1}`}
                  disabled={sources.length <= 2}
                  onClick={() => onChange(sources.filter(({ key }) => key !== source.key))}
                >
                  <Cross />
                </Button>
              </fieldset>
            ))}
            <div>
              <Button
                small
                onClick={() =>
                  onChange([
                    ...sources,
                    {
                      key: Math.max(...sources.map(({ key }) => key)) + 1,
                      task: '',
                      model: null,
                      data: null,
                      floor: '',
                    },
                  ])
                }
              >
                Add a network
              </Button>
            </div>
          </div>
        )
      }
    </Loaded>
  );
}
