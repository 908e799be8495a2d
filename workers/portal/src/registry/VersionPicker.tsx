import type { ItemView, VersionView } from '../../../../shared/registry.ts';
import { Badge } from '../ui/Badge.tsx';
import { Time } from '../ui/Value.tsx';
import { useVersionChoice } from './useItem.ts';
import { Button } from '../ui/Button.tsx';

/** Which version is shown; back to the newest when it is another one. */
export function VersionPicker({
  item,
  version,
}: {
  readonly item: ItemView | undefined;
  readonly version: VersionView;
}) {
  const [, choose] = useVersionChoice();
  const newest = item?.latest ?? version.version;
  return (
    <span className="row">
      <strong>@{version.version}</strong>
      {version.aliases.map((alias) => (
        <Badge key={alias} tone="accent">
          {alias}
        </Badge>
      ))}
      <span>
        registered <Time at={version.createdAt} />
      </span>
      {version.version !== newest && (
        <Button small onClick={() => choose('latest')}>
          Show the newest, @{newest}
        </Button>
      )}
    </span>
  );
}
