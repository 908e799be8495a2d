import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { useMemo } from 'react';
import styles from './registry.module.css';

/**
 * Markdown somebody wrote. micromark escapes HTML and drops addresses of other kinds than http, https and mailto; the
 * page's policy lets no picture or script in from anywhere else on top.
 */
export default function Markdown({ text }: { readonly text: string }) {
  const html = useMemo(
    () =>
      micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] }).replaceAll(
        '<a href=',
        '<a rel="noreferrer noopener" target="_blank" href=',
      ),
    [text],
  );
  return <div className={styles.markdown} dangerouslySetInnerHTML={{ __html: html }} />;
}
