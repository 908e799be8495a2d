import { useState } from 'react';
import { jobKinds, jobStates, type JobKind, type JobState } from '../../../../../shared/jobs.ts';
import { Page } from '../../ui/Page.tsx';
import { Select } from '../../ui/Select.tsx';
import { JobTable } from './JobTable.tsx';
import { stateWords } from './subject.ts';

const kindWords: Readonly<Record<JobKind, string>> = {
  merge: 'Merges',
  plan: 'Plans',
  inspect: 'Inspections',
};

/** Everything that runners do. */
export default function JobsPage() {
  const [kind, setKind] = useState<JobKind | 'all'>('all');
  const [state, setState] = useState<JobState | 'all'>('all');
  return (
    <Page
      title="Jobs"
      crumbs={[['Merges', '/merges']]}
      subtitle="Everything that runners did, do and will do."
    >
      <div className="row">
        <Select
          label="Kind"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'all', label: 'All kinds' },
            ...jobKinds.map((one) => ({ value: one, label: kindWords[one] })),
          ]}
        />
        <Select
          label="State"
          value={state}
          onChange={setState}
          options={[
            { value: 'all', label: 'Any state' },
            ...jobStates.map((one) => ({
              value: one,
              label: stateWords({ state: one, cancelRequested: false }),
            })),
          ]}
        />
      </div>
      <JobTable kind={kind === 'all' ? undefined : kind} state={state === 'all' ? undefined : state} />
    </Page>
  );
}
