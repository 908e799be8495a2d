import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { mergeJobView } from '../../../../../shared/jobs.ts';
import { useApi, type Api } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Card, Stats } from '../../ui/Card.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { cx } from '../../ui/cx.ts';
import { Tick } from '../../ui/icons.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Endpoints } from '../operations/Endpoints.tsx';
import { servesMerged, stepsOf, type Step, type Stock } from './steps.ts';
import styles from './HomePage.module.css';

/** Counted up to here: more is "many". */
const most = 100;

export default function HomePage() {
  const { client } = useApi();
  const stock = useQuery({ queryKey: ['home'], queryFn: () => readStock(client), refetchInterval: 15_000 });
  return (
    <Page
      title="Overview"
      subtitle="Several trained networks become one that answers all their tasks, and you see what it costs."
    >
      <Loaded query={stock} lines={8}>
        {(now) => <Overview stock={now} />}
      </Loaded>
    </Page>
  );
}

async function readStock(client: Api['client']): Promise<Stock> {
  const count = async (rows: AsyncIterable<unknown>): Promise<number> => (await take(rows, most)).length;
  const { value: kind } = mergeJobView.shape.kind;
  const [models, datasets, bundles, endpoints, queued, leased, merged] = await Promise.all([
    count(client.models.list()),
    count(client.datasets.list()),
    count(client.bundles.list()),
    take(client.endpoints.list(), most),
    count(client.jobs.list({ kind, state: 'queued' })),
    count(client.jobs.list({ kind, state: 'leased' })),
    count(client.jobs.list({ kind, state: 'succeeded' })),
  ]);
  return {
    ...{ models, datasets, bundles, merged },
    endpoints: endpoints.length,
    servingMerged: endpoints.filter(({ tasks }) => servesMerged(tasks)).length,
    merging: queued + leased,
  };
}

const numberOf = (count: number): string => (count >= most ? `${most} or more` : String(count));

function Overview({ stock }: { readonly stock: Stock }) {
  const steps = stepsOf(stock);
  const isEmpty = stock.models === 0;
  return (
    <>
      {steps.some(({ state }) => state !== 'done') && (
        <ol className={styles.steps} aria-label="From nothing to a served bundle">
          {steps.map((step, at) => (
            <StepCard key={step.id} step={step} number={at + 1} stock={stock} />
          ))}
        </ol>
      )}
      {isEmpty && (
        <Card
          title="Nothing at hand? Take the sample networks"
          hint="Two networks of the same shape, one for digits and one for clothes, with the images they were trained on: 7 MB and 61 MB. They are in the repository; this brings them here."
        >
          <CodeBlock
            label="How to bring the samples here"
            code={`TRUNKLINE_KEY=<a key with the scopes read and write> npm run seed -- --url ${location.origin}`}
          />
        </Card>
      )}
      {!isEmpty && (
        <Stats
          items={[
            { label: 'Models', value: <Link href="/models">{numberOf(stock.models)}</Link> },
            { label: 'Data sets', value: <Link href="/datasets">{numberOf(stock.datasets)}</Link> },
            { label: 'Merges at work', value: <Link href="/merges">{numberOf(stock.merging)}</Link> },
            { label: 'Bundles', value: <Link href="/bundles">{numberOf(stock.bundles)}</Link> },
            { label: 'Endpoints', value: <Link href="/operations">{numberOf(stock.endpoints)}</Link> },
          ]}
        />
      )}
      {stock.endpoints > 0 && (
        <section className="stack" aria-labelledby="served">
          <h2 id="served">What is served</h2>
          <Endpoints />
        </section>
      )}
    </>
  );
}

function StepCard({
  step: { id, state },
  number,
  stock,
}: {
  readonly step: Step;
  readonly number: number;
  readonly stock: Stock;
}) {
  const { title, text, to, action } = describe(id, stock);
  return (
    <li className={cx(styles.step, styles[state])} aria-current={state === 'now' ? 'step' : undefined}>
      <span className={styles.mark} aria-hidden="true">
        {state === 'done' ? <Tick /> : number}
      </span>
      <div className={styles.text}>
        <h2>
          {title}
          {state === 'done' && <span className="visually-hidden"> (done)</span>}
        </h2>
        <p className="muted">{text}</p>
      </div>
      <div className="row">
        <ButtonLink to={to} kind={state === 'now' ? 'primary' : 'secondary'} small>
          {action}
        </ButtonLink>
        {id === 'bring' && stock.models >= 1 && (
          <ButtonLink to="/datasets" small>
            Data sets
          </ButtonLink>
        )}
      </div>
    </li>
  );
}

function describe(id: Step['id'], { models, datasets, merging }: Stock) {
  switch (id) {
    case 'bring':
      return {
        title: 'Bring networks and data',
        text:
          models === 0
            ? 'Two or more trained networks as ONNX files, one a task, and the images they were trained on.'
            : `${numberOf(models)} of at least 2 networks, ${numberOf(datasets)} data sets.`,
        to: '/models',
        action: 'Models',
      };
    case 'merge':
      return {
        title: 'Merge them',
        text:
          merging > 0
            ? 'A runner is on it: watch it layer by layer.'
            : 'Choose how much to share; a runner pairs channels, retrains and checks the result.',
        to: merging > 0 ? '/merges' : '/merges/new',
        action: merging > 0 ? 'Watch' : 'Merge',
      };
    case 'serve':
      return {
        title: 'Serve the bundle',
        text: 'Publish it to an endpoint; try it in the playground, or let an experiment decide.',
        to: '/bundles',
        action: 'Bundles',
      };
    default:
      return id satisfies never;
  }
}
