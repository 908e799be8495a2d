import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import styles from './Tabs.module.css';

export interface Tab {
  readonly id: string;
  readonly label: ReactNode;
  readonly content: ReactNode;
}

/** The chosen tab is in the address (`?tab=`), so that it survives a reload and can be sent to somebody. */
export function Tabs({
  tabs,
  label,
  param = 'tab',
}: {
  readonly tabs: readonly Tab[];
  readonly label: string;
  readonly param?: string;
}) {
  const [search, setSearch] = useSearchParams();
  const asked = search.get(param);
  const active = tabs.some(({ id }) => id === asked) ? asked : (tabs[0]?.id ?? null);
  return (
    <Base.Root
      value={active}
      onValueChange={(id: unknown) => {
        setSearch(
          (before) => {
            const next = new URLSearchParams(before);
            next.set(param, String(id));
            return next;
          },
          { replace: true },
        );
      }}
      className={styles.root}
    >
      <Base.List className={styles.list} aria-label={label}>
        {tabs.map(({ id, label: text }) => (
          <Base.Tab key={id} value={id} className={styles.tab}>
            {text}
          </Base.Tab>
        ))}
        <Base.Indicator className={styles.indicator} />
      </Base.List>
      {tabs.map(({ id, content }) => (
        <Base.Panel key={id} value={id} className={styles.panel}>
          {content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
