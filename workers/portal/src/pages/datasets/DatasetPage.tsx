import { datasetDocument, hasLabels, type DatasetDocument } from '../../../../../shared/dataset.ts';
import type { DatasetInspection } from '../../../../../shared/inspection.ts';
import { describePreprocessing } from '../../../../../shared/preprocessing.ts';
import type { ItemView, VersionView } from '../../../../../shared/registry.ts';
import { Aliases } from '../../registry/Aliases.tsx';
import { ItemCard } from '../../registry/ItemCard.tsx';
import { Lineage } from '../../registry/Lineage.tsx';
import { Problems } from '../../registry/Problems.tsx';
import { Tags } from '../../registry/Tags.tsx';
import { useInspection, useItem, useVersion, useVersionChoice } from '../../registry/useItem.ts';
import { VersionPicker } from '../../registry/VersionPicker.tsx';
import { Versions } from '../../registry/Versions.tsx';
import { Waiting } from '../../registry/Waiting.tsx';
import { Card, Facts, Stats } from '../../ui/Card.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { formatDims, formatPercent } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Table } from '../../ui/Table.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { Bytes, Count, Digest, Time } from '../../ui/Value.tsx';
import { LabelCounts } from './LabelCounts.tsx';
import { Samples } from './Samples.tsx';

export default function DatasetPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name ?? '';
  const item = useItem('datasets', name);
  const [ref] = useVersionChoice();
  const version = useVersion('datasets', name, ref);
  return (
    <Page
      title={name}
      crumbs={[['Data sets', '/datasets']]}
      subtitle={version.data && <VersionPicker item={item.data} version={version.data} />}
    >
      <Loaded query={item} lines={6}>
        {(loaded) => (
          <Loaded query={version} lines={6}>
            {(view) => <Dataset item={loaded} version={view} />}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Dataset({ item, version }: { readonly item: ItemView; readonly version: VersionView }) {
  const inspection = useInspection('datasets', item.name, String(version.version));
  const document = datasetDocument.safeParse(version.document).data;
  const labels = document?.labels ?? [];
  const isLabelled = document === undefined || hasLabels(document.source);
  const found = inspection.data?.document;
  const read = found?.kind === 'dataset' ? found : null;
  return (
    <>
      <Stats
        items={[
          ...(read === null
            ? []
            : [
                { label: 'Samples', value: <Count value={read.samples} /> },
                { label: 'A sample', value: formatDims(read.sampleDims) },
              ]),
          { label: 'Classes', value: labels.length },
          ...(isLabelled ? [] : [{ label: 'Labels', value: 'none', hint: 'judged by answers that stay' }]),
          { label: 'Size', value: <Bytes value={version.sizeBytes} /> },
          { label: 'Held out', value: heldOut(document) },
        ]}
      />
      {read !== null && <Problems problems={read.problems} />}
      <Tabs
        label="About the data set"
        tabs={[
          {
            id: 'samples',
            label: 'Samples',
            content: (
              <Loaded query={inspection} lines={8}>
                {(one) =>
                  one?.document.kind !== 'dataset' ? (
                    <Waiting />
                  ) : (
                    <Read read={one.document} labels={labels} isLabelled={isLabelled} />
                  )
                }
              </Loaded>
            ),
          },
          {
            id: 'about',
            label: 'About',
            content: document && <About document={document} version={version} />,
          },
          { id: 'card', label: 'Card', content: <ItemCard item={item} /> },
          {
            id: 'versions',
            label: `Versions (${item.versions})`,
            content: (
              <>
                <Versions kind="datasets" name={item.name} shown={version.version} />
                <div className="grid">
                  <Aliases item={item} version={version.version} />
                  <Tags item={item} />
                </div>
              </>
            ),
          },
          {
            id: 'lineage',
            label: 'Lineage',
            content: <Lineage kind="datasets" name={item.name} version={version.version} />,
          },
        ]}
      />
    </>
  );
}

function Read({
  read,
  labels,
  isLabelled,
}: {
  readonly read: DatasetInspection;
  readonly labels: readonly string[];
  readonly isLabelled: boolean;
}) {
  return (
    <>
      {isLabelled ? (
        <Card title="Samples of each class">
          <LabelCounts counts={read.labelCounts} labels={labels} />
        </Card>
      ) : (
        <Card title="No labels">
          <p className="muted">
            A task on these samples learns from what its own network answers. How many of those answers stay
            is measured in place of accuracy, and no floor of accuracy can be set for it.
          </p>
        </Card>
      )}
      <Card title="What they look like" hint="The first of each class, as they are stored.">
        {read.preview === undefined ? (
          <EmptyState title="There are no pictures">
            {isLabelled
              ? 'Samples are shown where they are images of one or three channels.'
              : 'Samples are shown class by class, and these have none.'}
          </EmptyState>
        ) : (
          <Samples sheet={read.preview} labels={labels} />
        )}
      </Card>
      {read.badFiles.length > 0 && (
        <Card title="Left out" hint="Files that could not be read.">
          <Table
            caption="Files that could not be read"
            rows={read.badFiles}
            rowKey={({ path }) => path}
            columns={[
              { head: 'File', cell: ({ path }) => <span className="mono">{path}</span> },
              { head: 'Why', cell: ({ reason }) => reason },
            ]}
          />
        </Card>
      )}
    </>
  );
}

function heldOut(document: DatasetDocument | undefined): string {
  if (document === undefined) return '—';
  return 'source' in document.split ? 'files of their own' : formatPercent(document.split.validation, 0);
}

const About = ({
  document,
  version,
}: {
  readonly document: DatasetDocument;
  readonly version: VersionView;
}) => (
  <Card title="How it is read">
    <Facts
      items={[
        [
          'Preprocessing',
          document.preprocessing === null
            ? 'None: arrays hold what the network reads'
            : describePreprocessing(document.preprocessing),
        ],
        [
          'Kind',
          { npz: 'NumPy archive', idx: 'IDX files', images: 'Archive of images' }[document.source.kind],
        ],
        ['Classes', document.labels.join(', ')],
        ...document.files.map(
          ({ path, sizeBytes, sha256 }) =>
            [
              path,
              <span key={path} className="row">
                <Bytes value={sizeBytes} /> <Digest value={sha256} />
              </span>,
            ] as const,
        ),
        ['Registered', <Time key="at" at={version.createdAt} />],
        [
          'By',
          <span key="by" className="mono">
            {version.createdBy}
          </span>,
        ],
      ]}
    />
  </Card>
);
