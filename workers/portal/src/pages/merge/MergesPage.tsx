import { JobTable } from '../jobs/JobTable.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { Page } from '../../ui/Page.tsx';

/** Merges asked for, newest first. */
export default function MergesPage() {
  return (
    <Page
      title="Merges"
      subtitle="Networks on their way to one bundle. What came of them is under Bundles."
      actions={
        <>
          <ButtonLink to="/jobs">All jobs</ButtonLink>
          <ButtonLink to="/merges/new" kind="primary">
            New merge
          </ButtonLink>
        </>
      }
    >
      <JobTable kind="merge" />
    </Page>
  );
}
