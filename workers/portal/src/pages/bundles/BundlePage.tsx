import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useLocation } from 'wouter';
import { NetworkDrawing } from '../../charts/NetworkDrawing.tsx';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Card, Stats } from '../../ui/Card.tsx';
import { formatBytes, formatCount, formatPercent, formatPlural } from '../../ui/format.ts';
import { LoadedPage } from '../../ui/LoadedPage.tsx';
import { Page } from '../../ui/Page.tsx';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table } from '../../ui/Table.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { Time } from '../../ui/Value.tsx';
import { AccuracyTab } from './AccuracyTab.tsx';
import { comparedRows, planOf, taskRows, type ComparedRow } from './bundleView.ts';
import { DownloadButton } from './DownloadButton.tsx';
import { OriginTab } from './OriginTab.tsx';
import { PublishButton } from './PublishButton.tsx';
import { ReportTab } from './ReportTab.tsx';
import { ServingCard } from './ServingCard.tsx';
import { useMeasurement } from './useMeasurement.ts';
import { useBundle, type BundleContent } from './useBundle.ts';

// What draws curves is a large part of the page.
const RetrainingTab = lazy(() => import('./RetrainingTab.tsx'));

/** Versions that can be chosen at most; older ones by their address. */
const mostVersions = 200;

/** One version of a bundle: what is shared, what that saved and cost, where it serves. */
export default function BundlePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name ?? '';
  const [, go] = useLocation();
  const { client } = useApi();
  const bundle = useBundle(name, params.version ?? 'latest');
  const versions = useQuery({
    queryKey: ['bundle-versions', name],
    queryFn: () => take(client.bundles.versions(name), mostVersions),
  });
  return (
    <LoadedPage query={bundle} title={name} crumbs={[['Bundles', '/bundles']]}>
      {(content) => (
        <Page
          title={`${name}@${content.version.version}`}
          crumbs={[['Bundles', '/bundles']]}
          subtitle={
            <>
              {formatPlural(content.manifest.heads.length, 'task')}:{' '}
              {content.manifest.heads.map(({ task }) => task).join(', ')}. Made{' '}
              <Time at={content.manifest.createdAt} />.
            </>
          }
          actions={
            <>
              {(versions.data?.length ?? 0) > 1 && (
                <NativeSelect
                  label="Version"
                  hideLabel
                  value={String(content.version.version)}
                  options={(versions.data ?? []).map(({ version, aliases }) => ({
                    value: String(version),
                    label: `version ${version}${aliases.length === 0 ? '' : ` @${aliases.join(' @')}`}`,
                  }))}
                  onChange={(version) => go(`/bundles/${name}/${version}`)}
                />
              )}
              <DownloadButton content={content} />
              <PublishButton content={content} />
            </>
          }
        >
          <Overview content={content} />
          <Tabs
            label="About this bundle"
            tabs={[
              { id: 'accuracy', label: 'Accuracy', content: <AccuracyTab content={content} /> },
              { id: 'network', label: 'What is shared', content: <NetworkTab content={content} /> },
              ...(content.report?.retraining
                ? [
                    {
                      id: 'retraining',
                      label: 'Retraining',
                      content: (
                        <Suspense fallback={<Skeleton lines={6} label="Loading the curves" />}>
                          <RetrainingTab report={content.report} />
                        </Suspense>
                      ),
                    },
                  ]
                : []),
              ...(content.manifest.report
                ? [{ id: 'report', label: 'Report', content: <ReportTab content={content} /> }]
                : []),
              { id: 'origin', label: 'Origin and files', content: <OriginTab content={content} /> },
            ]}
          />
        </Page>
      )}
    </LoadedPage>
  );
}

function Overview({ content }: { readonly content: BundleContent }) {
  const { manifest, report, version } = content;
  const rows = report === null ? [] : comparedRows(report);
  const ratioOf = (label: string): string => {
    const ratio = rows.find((row) => row.label === label)?.ratio;
    return ratio == null ? '' : `${formatPercent(ratio, 1)} of separate`;
  };
  const measured = taskRows(manifest).flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]));
  const change =
    measured.reduce((sum, { before, after }) => sum + after - before, 0) / (measured.length || 1);
  const macs = (manifest.trunk?.macs ?? 0) + manifest.heads.reduce((sum, head) => sum + head.macs, 0);
  return (
    <div className="stack">
      <Card>
        <Stats
          items={[
            {
              label: 'Bytes, files and all',
              value: formatBytes(version.sizeBytes),
              hint: ratioOf('Bytes stored'),
            },
            {
              label: 'Multiply-adds, all tasks',
              value: formatCount(macs),
              hint: ratioOf('Multiply-adds, all tasks on one input'),
            },
            ...(measured.length > 0
              ? [
                  {
                    label: 'Accuracy, mean change',
                    value: `${change >= 0 ? '+' : '−'}${Math.abs(100 * change).toFixed(2)} points`,
                    hint: `over ${formatPlural(measured.length, 'task')}, held-out samples`,
                  },
                ]
              : []),
            {
              label: 'Shared',
              value:
                manifest.trunk === null ? 'nothing' : `${formatCount(manifest.trunk.parameters)} parameters`,
              hint:
                manifest.trunk === null
                  ? 'every head is a whole network'
                  : `${manifest.recipe?.wiring ?? ''} trunk`,
            },
            { label: 'Stored as', value: manifest.storage ?? 'float32' },
          ]}
        />
      </Card>
      <ServingCard content={content} />
    </div>
  );
}

function NetworkTab({ content }: { readonly content: BundleContent }) {
  const { manifest, report } = content;
  const plan = planOf(manifest, report);
  const measured = useMeasurement(content.id);
  const figures = { ...measured?.figures, ...report?.figures };
  const rows = comparedRows({ figures });
  const machine = measured?.environment?.machine;
  const isPacked = manifest.trunk === null && manifest.recipe === null;
  const packed = 'Nothing is shared: this bundle holds networks as they are.';
  return (
    <div className="stack">
      {plan.length === 0 ? (
        <Card>
          <p className="muted">
            {manifest.trunk === null ? packed : 'The bundle does not remember which channels it shares.'}
          </p>
        </Card>
      ) : (
        <Card
          title={isPacked ? 'Layers' : 'Trunk and heads'}
          hint={
            isPacked ? packed : 'Widths are true to the channels: what is in the middle runs once for all.'
          }
        >
          <NetworkDrawing
            plan={plan}
            wiring={report?.wiring ?? manifest.recipe?.wiring}
            tasks={manifest.heads.map(({ task, labels }) => ({ task, labels }))}
          />
        </Card>
      )}
      {rows.length > 0 && (
        <Card
          title="Against the separate networks"
          hint={
            figures.latencyMs === undefined || machine === undefined
              ? undefined
              : `Latency is ONNX Runtime's alone, without HTTP, on ${machine}.`
          }
        >
          <Table<ComparedRow>
            caption="The bundle against the separate networks"
            rows={rows}
            rowKey={({ label }) => label}
            columns={[
              { head: 'What it takes', cell: ({ label }) => label, grow: true },
              { head: 'Separate', cell: ({ separate }) => separate, number: true },
              { head: 'This bundle', cell: ({ zipped }) => zipped, number: true },
              {
                head: 'Ratio',
                cell: ({ ratio }) => (ratio === null ? '–' : `× ${ratio.toFixed(3)}`),
                number: true,
              },
            ]}
          />
        </Card>
      )}
    </div>
  );
}
