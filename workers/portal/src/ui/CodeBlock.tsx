import { useState } from 'react';
import { Button } from './Button.tsx';
import { Copy, Tick } from './icons.tsx';
import styles from './CodeBlock.module.css';

/** Text to take along. */
export function CodeBlock({ code, label }: { readonly code: string; readonly label: string }) {
  return (
    <figure className={styles.block}>
      <figcaption className={styles.head}>
        {label}
        <CopyButton text={code} />
      </figcaption>
      {/* Scrolls sideways, so it takes the focus of the keyboard. */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button
      small
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 2000);
        });
      }}
    >
      {copied ? <Tick /> : <Copy />}
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </Button>
  );
}
