import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi } from '../../api/ApiContext.tsx';
import { Button } from '../../ui/Button.tsx';
import { formatPercent } from '../../ui/format.ts';
import { notifyError } from '../../ui/Toast.tsx';
import { save } from './save.ts';
import type { BundleContent } from './useBundle.ts';

/** The whole bundle as one .tar: unpacked, a folder that `trunkline serve` takes. */
export function DownloadButton({ content }: { readonly content: BundleContent }) {
  const { client } = useApi();
  const { manifest, manifestBytes, version } = content;
  const [share, setShare] = useState(0);
  const download = useMutation({
    mutationFn: async () => {
      const { packTar } = await import('modern-tar');
      const folder = `${version.name}-${version.version}`;
      const total = manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const entries = [entry(`${folder}/manifest.json`, manifestBytes)];
      let received = 0;
      for (const { path, sha256, sizeBytes } of manifest.files) {
        const bytes = new Uint8Array(await (await client.blob(sha256)).arrayBuffer());
        entries.push(entry(`${folder}/${path}`, bytes));
        received += sizeBytes;
        setShare(total === 0 ? 1 : received / total);
      }
      save(`${folder}.tar`, new Blob([await packTar(entries)], { type: 'application/x-tar' }));
    },
    onError: notifyError,
    onSettled: () => setShare(0),
  });
  return (
    <Button busy={download.isPending} onClick={() => download.mutate()}>
      {download.isPending ? `Downloading ${formatPercent(share, 0)}` : 'Download'}
    </Button>
  );
}

const entry = (name: string, body: Uint8Array<ArrayBuffer>) => ({
  header: { name, size: body.length, type: 'file' as const, mode: 0o644 },
  body,
});
