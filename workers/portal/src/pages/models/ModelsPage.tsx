import { lazy, Suspense, useState } from 'react';
import { ItemTable } from '../../registry/ItemTable.tsx';
import { DropZone, type DroppedFile } from '../../ui/DropZone.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Page } from '../../ui/Page.tsx';
import { UploadList } from '../../uploads/UploadList.tsx';
import { useUploads } from '../../uploads/useUploads.ts';

// Loaded when it is opened.
const NewModels = lazy(() => import('./NewModels.tsx'));

export default function ModelsPage() {
  const { queue, items } = useUploads('models');
  const [dropped, setDropped] = useState<readonly DroppedFile[]>([]);
  return (
    <Page title="Models" subtitle="Trained networks, as ONNX files. Their versions never change.">
      <DropZone
        title="Drop ONNX files here"
        hint="One or many; weights in files of their own come along. Uploads can be paused and go on after a reload."
        accept=".onnx,.data,.bin,.weights,.pb"
        onFiles={setDropped}
      />
      <UploadList items={items} queue={queue} />
      <ItemTable
        kind="models"
        caption="Models"
        empty={
          <EmptyState title="No models yet">
            Drop a network above. A runner then reads it: its layers, shapes and what it can share.
          </EmptyState>
        }
      />
      {dropped.length > 0 && (
        <Suspense fallback={null}>
          <NewModels
            dropped={dropped}
            onClose={() => setDropped([])}
            onUpload={(uploads) => {
              for (const upload of uploads) queue.add(upload);
              setDropped([]);
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}
