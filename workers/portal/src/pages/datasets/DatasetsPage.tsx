import { lazy, Suspense, useState } from 'react';
import { ItemTable } from '../../registry/ItemTable.tsx';
import { DropZone, type DroppedFile } from '../../ui/DropZone.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Page } from '../../ui/Page.tsx';
import { UploadList } from '../../uploads/UploadList.tsx';
import { useUploads } from '../../uploads/useUploads.ts';

// Loaded when it is opened.
const NewDataset = lazy(() => import('./NewDataset.tsx'));

export default function DatasetsPage() {
  const { queue, items } = useUploads('datasets');
  const [dropped, setDropped] = useState<readonly DroppedFile[]>([]);
  return (
    <Page
      title="Data sets"
      subtitle="What networks are retrained and judged on: samples, with the number of their class or without."
    >
      <DropZone
        title="Drop a data set here"
        hint="One .npz, one .zip or .tar of class folders, or IDX images with their labels. Labels may be missing."
        onFiles={setDropped}
      />
      <UploadList items={items} queue={queue} />
      <ItemTable
        kind="datasets"
        caption="Data sets"
        empty={
          <EmptyState title="No data sets yet">
            Drop one above. A runner then reads it: how many samples each class has, what they look like, what
            is broken.
          </EmptyState>
        }
      />
      {dropped.length > 0 && (
        <Suspense fallback={null}>
          <NewDataset
            dropped={dropped}
            onClose={() => setDropped([])}
            onUpload={(upload) => {
              queue.add(upload);
              setDropped([]);
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}
