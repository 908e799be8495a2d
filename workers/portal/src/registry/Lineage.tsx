import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { kindNoun, type Kind, type LineageLink } from '../../../../shared/registry.ts';
import { useApi } from '../api/ApiContext.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Card } from '../ui/Card.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Digest } from '../ui/Value.tsx';
import styles from './registry.module.css';

/** What a version was made from, and what was made from it. */
export function Lineage({
  kind,
  name,
  version,
}: {
  readonly kind: Kind;
  readonly name: string;
  readonly version: number;
}) {
  const { client } = useApi();
  const query = useQuery({
    queryKey: [kind, 'lineage', name, version],
    queryFn: () => client[kind].lineage(name, version),
  });
  return (
    <Loaded query={query}>
      {({ parents, children, unregistered }) => (
        <div className="grid">
          <Card title="Made from">
            <Links links={parents} none="Nothing that is registered here: it was uploaded." />
            {unregistered.length > 0 && (
              <ul className={styles.links}>
                {unregistered.map((parent) => (
                  <li key={`${parent.task} ${parent.sha256}`}>
                    <span className="wrap">
                      {parent.name} <span className="muted">(not in the registry)</span>
                    </span>
                    <span className="row">
                      <Badge>{parent.task}</Badge>
                      <Digest value={parent.sha256} />
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </Card>
          <Card title="Made into">
            <Links links={children} none="Nothing yet." />
          </Card>
        </div>
      )}
    </Loaded>
  );
}

function Links({ links, none }: { readonly links: readonly LineageLink[]; readonly none: string }) {
  if (links.length === 0) return <p className="muted">{none}</p>;
  return (
    <ul className={styles.links}>
      {links.map((link) => (
        <li key={`${link.kind} ${link.name} ${link.version} ${link.role} ${link.task ?? ''}`}>
          <Link href={`/${link.kind}/${link.name}?version=${link.version}`}>
            {link.name}@{link.version}
          </Link>
          <span className="row">
            <Badge>{kindNoun[link.kind]}</Badge>
            {link.task !== null && <Badge tone="accent">{link.task}</Badge>}
          </span>
        </li>
      ))}
    </ul>
  );
}
