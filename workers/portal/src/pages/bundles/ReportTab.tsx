import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi } from '../../api/ApiContext.tsx';
import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { save } from './save.ts';
import type { BundleContent } from './useBundle.ts';
import styles from './bundles.module.css';

/**
 * The report's own page, in a frame of no origin: what is in it comes with the bundle, from whoever made it, and can do
 * nothing to this page.
 */
export function ReportTab({ content: { manifest } }: { readonly content: BundleContent }) {
  const { client } = useApi();
  const sha256 = manifest.files.find(({ path }) => path === manifest.report?.html)?.sha256 ?? '';
  const html = useQuery({
    queryKey: ['report', sha256],
    queryFn: async () => (await client.blob(sha256)).text(),
    staleTime: Infinity,
  });
  return (
    <Card
      title="Report"
      hint="A file of its own, part of the bundle: readable without this page."
      action={
        html.data !== undefined && (
          <Button
            onClick={() => save(`${manifest.name}-report.html`, new Blob([html.data], { type: 'text/html' }))}
          >
            Save the page
          </Button>
        )
      }
    >
      <Loaded query={html}>{(text) => <Frame html={text} />}</Loaded>
    </Card>
  );
}

function Frame({ html }: { readonly html: string }) {
  const [loaded, setLoaded] = useState(false);
  return (
    <iframe
      className={styles.frame}
      title="Report"
      sandbox="allow-scripts"
      src="/report-frame.html"
      data-loaded={loaded}
      onLoad={({ currentTarget }) => {
        // A frame without an origin has none to name.
        currentTarget.contentWindow?.postMessage({ html }, '*');
        setLoaded(true);
      }}
    />
  );
}
