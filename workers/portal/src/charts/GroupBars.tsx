import { formatExact } from '../ui/format.ts';
import { sharedColour, taskColour } from './colours.ts';
import { Legend } from './Figure.tsx';
import type { GroupBar } from './rows.ts';
import styles from './charts.module.css';

/** One row a group: shared and own channels as bars, all on one scale. */
export function GroupBars({
  caption,
  tasks,
  groups,
}: {
  readonly caption: string;
  readonly tasks: readonly string[];
  readonly groups: readonly GroupBar[];
}) {
  const widest = Math.max(1, ...groups.map(({ blocks }) => total(blocks)));
  const isShared = (of: readonly string[]): boolean => of.length > 1;
  return (
    <div className={styles.figure}>
      <Legend
        keys={[
          { label: 'shared', colour: sharedColour },
          ...tasks.map((task, index) => ({ label: `only ${task}`, colour: taskColour(index) })),
        ]}
      />
      <div className={styles.barsBox} tabIndex={0} role="region" aria-label={caption}>
        <table className={styles.bars}>
          <caption className="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Channels</th>
              <th scope="col" className={styles.count}>
                Shared
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map(({ name, blocks, reason }) => {
              const all = total(blocks);
              const shared = total(blocks.filter((one) => isShared(one.tasks)));
              return (
                <tr key={name}>
                  <th scope="row" className={styles.barName}>
                    {name}
                    {reason !== null && <span className={styles.why}> · {reason}</span>}
                  </th>
                  <td className={styles.bar}>
                    <div className={styles.track} aria-hidden="true">
                      {blocks
                        .filter(({ channels }) => channels > 0)
                        .map((block) => (
                          <span
                            key={block.tasks.join()}
                            className={styles.segment}
                            title={`${block.tasks.join(' + ')}: ${formatExact(block.channels)}`}
                            style={{
                              flexBasis: `${(100 * block.channels) / widest}%`,
                              background: isShared(block.tasks)
                                ? sharedColour
                                : taskColour(tasks.indexOf(block.tasks[0] ?? '')),
                            }}
                          />
                        ))}
                    </div>
                    <span className="visually-hidden">
                      {blocks.map((one) => `${one.channels} of ${one.tasks.join(' and ')}`).join(', ')}
                    </span>
                  </td>
                  <td className={styles.count}>
                    {formatExact(shared)} of {formatExact(all)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const total = (blocks: GroupBar['blocks']): number => blocks.reduce((sum, { channels }) => sum + channels, 0);
