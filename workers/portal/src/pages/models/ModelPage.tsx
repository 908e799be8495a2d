import type { ModelInspection } from '../../../../../shared/inspection.ts';
import type { TensorSpec } from '../../../../../shared/manifest.ts';
import { modelDocument, type ItemView, type VersionView } from '../../../../../shared/registry.ts';
import { Aliases } from '../../registry/Aliases.tsx';
import { ItemCard } from '../../registry/ItemCard.tsx';
import { Lineage } from '../../registry/Lineage.tsx';
import { Problems } from '../../registry/Problems.tsx';
import { Tags } from '../../registry/Tags.tsx';
import { useInspection, useItem, useVersion, useVersionChoice } from '../../registry/useItem.ts';
import { VersionPicker } from '../../registry/VersionPicker.tsx';
import { Versions } from '../../registry/Versions.tsx';
import { Waiting } from '../../registry/Waiting.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { Card, Facts, Stats } from '../../ui/Card.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { formatDims, formatExact, formatPlural } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Page } from '../../ui/Page.tsx';
import { Table } from '../../ui/Table.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { Bytes, Count, Digest, Time } from '../../ui/Value.tsx';
import { ModelGraph } from './ModelGraph.tsx';

export default function ModelPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name ?? '';
  const item = useItem('models', name);
  const [ref] = useVersionChoice();
  const version = useVersion('models', name, ref);
  return (
    <Page
      title={name}
      crumbs={[['Models', '/models']]}
      subtitle={version.data && <VersionPicker item={item.data} version={version.data} />}
      actions={
        version.data && (
          <ButtonLink to={`/merges/new?model=${name}@${version.data.version}`} kind="primary">
            Merge it
          </ButtonLink>
        )
      }
    >
      <Loaded query={item} lines={6}>
        {(loaded) => (
          <Loaded query={version} lines={6}>
            {(view) => <Model item={loaded} version={view} />}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Model({ item, version }: { readonly item: ItemView; readonly version: VersionView }) {
  const inspection = useInspection('models', item.name, String(version.version));
  const document = modelDocument.safeParse(version.document);
  const read = inspection.data?.document;
  const model = read?.kind === 'model' ? read : null;
  return (
    <>
      <Stats
        items={[
          ...(document.data?.task === undefined ? [] : [{ label: 'Task', value: document.data.task }]),
          { label: 'Size', value: <Bytes value={version.sizeBytes} /> },
          ...(model === null
            ? []
            : [
                { label: 'Parameters', value: <Count value={model.parameters} /> },
                {
                  label: 'Multiply-adds a sample',
                  value: model.macs === null ? '—' : <Count value={model.macs} />,
                },
                { label: 'Can be shared', value: shareText(model) },
              ]),
        ]}
      />
      {model !== null && <Problems problems={model.problems} />}
      <Tabs
        label="About the model"
        tabs={[
          {
            id: 'graph',
            label: 'Graph',
            content: (
              <Loaded query={inspection} lines={8}>
                {(found) =>
                  found?.document.kind !== 'model' ? (
                    <Waiting />
                  ) : found.document.layers === undefined || found.document.layers.length === 0 ? (
                    <Unreadable inspection={found.document} />
                  ) : (
                    <ModelGraph layers={found.document.layers} inspection={found.document} />
                  )
                }
              </Loaded>
            ),
          },
          {
            id: 'about',
            label: 'In and out',
            content: (
              <div className="grid">
                {model !== null && <Tensors title="Reads" tensors={model.inputs} />}
                {model !== null && <Tensors title="Answers" tensors={model.outputs} />}
                <Card title="Classes">
                  {(document.data?.labels.length ?? 0) === 0 ? (
                    <p className="muted">No names were registered.</p>
                  ) : (
                    <ol start={0} className="row">
                      {document.data?.labels.map((label, at) => (
                        <li key={label} className="row">
                          <Badge>
                            {at} {label}
                          </Badge>
                        </li>
                      ))}
                    </ol>
                  )}
                </Card>
                <Card title="Files">
                  <Facts
                    items={[
                      ...(document.data?.files ?? []).map(
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
                      ['Digest', <Digest key="digest" value={version.digest} />],
                    ]}
                  />
                </Card>
              </div>
            ),
          },
          { id: 'card', label: 'Card', content: <ItemCard item={item} /> },
          {
            id: 'versions',
            label: `Versions (${item.versions})`,
            content: (
              <>
                <Versions kind="models" name={item.name} shown={version.version} />
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
            content: <Lineage kind="models" name={item.name} version={version.version} />,
          },
        ]}
      />
    </>
  );
}

function shareText({ groups }: ModelInspection): string {
  const sum = (of: ModelInspection['groups']): number =>
    of.reduce((total, { channels }) => total + channels, 0);
  return `${formatExact(sum(groups.filter(({ shareable }) => shareable)))} of ${formatPlural(sum(groups), 'channel')}`;
}

const Tensors = ({ title, tensors }: { readonly title: string; readonly tensors: readonly TensorSpec[] }) => (
  <Card title={title}>
    <Facts items={tensors.map(({ name, dtype, dims }) => [name, `${dtype}, ${formatDims(dims)}`] as const)} />
  </Card>
);

/** Read, but with nothing to draw: an older runner, a graph too large to draw, or a file that is no network. */
function Unreadable({ inspection }: { readonly inspection: ModelInspection }) {
  if (inspection.groups.length === 0)
    return (
      <EmptyState title="There is nothing to draw">
        {inspection.problems[0] ?? 'The runner that read it did not say why.'}
      </EmptyState>
    );
  return (
    <Table
      caption="Groups of channels"
      rows={inspection.groups}
      rowKey={({ name }) => name}
      columns={[
        { head: 'Group', cell: ({ name }) => name },
        { head: 'Channels', number: true, cell: ({ channels }) => formatExact(channels) },
        {
          head: 'Shared',
          cell: ({ shareable, reason }) => (shareable ? <Badge tone="good">can be shared</Badge> : reason),
        },
      ]}
    />
  );
}
