import { useEffect, useRef } from 'react';
import { formatUtc } from '../../ui/format.ts';
import type { LogLine } from './story.ts';
import styles from './jobs.module.css';

/** What happened, oldest first; stays at its end while somebody looks at the end. */
export function JobLog({ lines }: { readonly lines: readonly LogLine[] }) {
  const box = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [lines]);
  if (lines.length === 0) return <p className="muted">Nothing happened yet.</p>;
  return (
    <ol
      ref={box}
      className={styles.log}
      tabIndex={0}
      aria-label="Log"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.map(({ sequence, at, text, tone }) => (
        <li key={sequence} className={styles[tone]}>
          <time dateTime={at} title={formatUtc(at)}>
            {new Date(at).toLocaleTimeString('en-GB')}
          </time>
          <span>{text}</span>
        </li>
      ))}
    </ol>
  );
}
