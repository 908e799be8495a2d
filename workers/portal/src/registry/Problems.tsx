import { Card } from '../ui/Card.tsx';

/** What a runner found in the way, one sentence each. */
export function Problems({ problems }: { readonly problems: readonly string[] }) {
  if (problems.length === 0) return null;
  return (
    <Card title={problems.length === 1 ? 'One thing to know' : `${problems.length} things to know`}>
      <ul className="stack">
        {problems.map((problem) => (
          <li key={problem} className="wrap">
            {problem}
          </li>
        ))}
      </ul>
    </Card>
  );
}
