import { Page } from '../../ui/Page.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { AuditLog } from './AuditLog.tsx';
import { Endpoints } from './Endpoints.tsx';
import { Keys } from './Keys.tsx';
import { Queue } from './Queue.tsx';

export default function OperationsPage() {
  return (
    <Page title="Operations" subtitle="What is served, who works, who may do what, and who did.">
      <Tabs
        label="Operations"
        tabs={[
          { id: 'endpoints', label: 'Endpoints', content: <Endpoints /> },
          { id: 'queue', label: 'Runners and queue', content: <Queue /> },
          { id: 'keys', label: 'Keys', content: <Keys /> },
          { id: 'audit', label: 'Audit log', content: <AuditLog /> },
        ]}
      />
    </Page>
  );
}
