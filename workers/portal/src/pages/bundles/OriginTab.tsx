import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { describePreprocessing } from '../../../../../shared/preprocessing.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { Card, Facts } from '../../ui/Card.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Table } from '../../ui/Table.tsx';
import { Bytes, Digest } from '../../ui/Value.tsx';
import { formatExact } from '../../ui/format.ts';
import { leftOutRows, type LeftOutRow } from './bundleView.ts';
import type { BundleContent } from './useBundle.ts';

/** Bad files and rows that are listed. */
const toldLeftOut = 50;

const roleWords = { model: 'network', data: 'data' } as const;

/** What it was made from and by what recipe, and every file of it. */
export function OriginTab({ content }: { readonly content: BundleContent }) {
  const { client } = useApi();
  const { manifest, version, id, report } = content;
  const lineage = useQuery({
    queryKey: ['bundle-lineage', version.name, version.version],
    queryFn: () => client.bundles.lineage(version.name, version.version),
  });
  const { preprocessing, parity, recipe } = manifest;
  const leftOut = report === null ? [] : leftOutRows(report);
  return (
    <div className="stack">
      <Card title="Made from">
        <Loaded query={lineage} lines={2}>
          {({ parents, unregistered }) => (
            <Facts
              items={[
                ...parents.map(
                  (one) =>
                    [
                      `${one.task ?? ''} ${roleWords[one.role]}`,
                      <Link key={one.digest} href={`/${one.kind}/${one.name}`}>
                        {one.name}@{one.version}
                      </Link>,
                    ] as const,
                ),
                ...unregistered.map(
                  (one) =>
                    [
                      `${one.task} network`,
                      <span key={one.sha256}>
                        {one.name}, not in the registry (<Digest value={one.sha256} />)
                      </span>,
                    ] as const,
                ),
                ['Retraining', `${manifest.lineage.retrainingSteps} steps`],
                [
                  'Input',
                  typeof preprocessing === 'string' ? preprocessing : describePreprocessing(preprocessing),
                ],
                [
                  'Parity',
                  `largest difference ${parity.maxAbsDifference.toExponential(1)} on ${parity.samples} samples, ${parity.tolerance.toExponential(0)} is allowed`,
                ],
                ...(report?.environment?.machine === undefined
                  ? []
                  : [['Made on', report.environment.machine] as const]),
              ]}
            />
          )}
        </Loaded>
      </Card>
      {report !== null && report.notes.length > 0 && (
        <Card title="Notes" hint="What the merge had to say of its networks and data.">
          <ul>
            {report.notes.map((note) => (
              <li key={note} className="wrap">
                {note}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {leftOut.length > 0 && (
        <Card title="Left out" hint="What of the data could not be read; all of it is in the report.">
          <Table<LeftOutRow>
            caption="Files and rows that could not be read"
            rows={leftOut.slice(0, toldLeftOut)}
            rowKey={({ task, path }) => `${task} ${path}`}
            columns={[
              { head: 'Task', cell: ({ task }) => task },
              { head: 'What', cell: ({ path }) => <code>{path}</code>, grow: true },
              { head: 'Why', cell: ({ reason }) => reason },
            ]}
          />
          {leftOut.length > toldLeftOut && (
            <p className="muted">{formatExact(leftOut.length - toldLeftOut)} more.</p>
          )}
        </Card>
      )}
      <Card
        title="Files"
        hint={
          <>
            Bundle <code className="wrap">{id}</code>
          </>
        }
      >
        <Table
          caption="Files of the bundle"
          rows={manifest.files}
          rowKey={({ path }) => path}
          columns={[
            { head: 'File', cell: ({ path }) => <code>{path}</code>, grow: true },
            { head: 'Size', cell: ({ sizeBytes }) => <Bytes value={sizeBytes} />, number: true },
            { head: 'SHA-256', cell: ({ sha256 }) => <Digest value={sha256} /> },
          ]}
        />
      </Card>
      {recipe !== null && (
        <Card title="Recipe" hint="The same recipe, networks and data make the same bundle.">
          <CodeBlock label="Recipe" code={JSON.stringify(recipe, null, 2)} />
        </Card>
      )}
    </div>
  );
}
