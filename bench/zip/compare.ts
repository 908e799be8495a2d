import type { Dataset } from '../../gpu-runner/engine/dataset.ts';
import { answersOf } from '../../gpu-runner/mtz/evaluate.ts';
import type { Graph } from '../../gpu-runner/onnx/graph.ts';
import type { Context } from './context.ts';
import { jobOf, type Scores, type TrainedSource } from './sources.ts';

/** What two networks make of the same test images. */
export interface Paired {
  /** Images that the separate network answers right and the other does not, and the other way round. */
  readonly lost: number;
  readonly won: number;
  readonly images: number;
  /** Which images: tasks on the same ones are not independent of each other. */
  readonly of: string;
}

export interface Compared {
  /** By task. */
  readonly scores: Readonly<Record<string, Scores>>;
  readonly separate: Readonly<Record<string, Scores>>;
  /** Results that were kept before this was counted have none. */
  readonly paired?: Readonly<Record<string, Paired>>;
}

/** Scores networks, one a task, beside the separate networks on the same images. */
export async function compare(
  context: Context,
  sources: readonly TrainedSource[],
  graphOf: (task: string) => Graph,
): Promise<Compared> {
  const scores: Record<string, Scores> = {};
  const paired: Record<string, Paired> = {};
  for (const source of sources) {
    const { validation, test } = await context.tasks.data(source.data);
    const graph = graphOf(source.task);
    const right = await rightAnswers(graph, test);
    const chosenBy = await rightAnswers(graph, validation);
    scores[source.task] = { validation: shareOf(chosenBy), test: shareOf(right) };
    const before = await rightApart(context, source);
    const count = (was: boolean): number =>
      before.reduce((sum, each, image) => sum + (each === was && right[image] === !was ? 1 : 0), 0);
    paired[source.task] = {
      ...{ lost: count(true), won: count(false), images: right.length },
      of: JSON.stringify(source.data),
    };
  }
  const separate = Object.fromEntries(sources.map((source) => [source.task, source.scores]));
  return { scores, separate, paired };
}

/** Which test images a separate network answers right: found once. */
async function rightApart(context: Context, source: TrainedSource): Promise<readonly boolean[]> {
  const label = `${source.data.set}-${source.net.kind}-${source.seed}`;
  const job = { kind: 'answers', version: 1, label, settings: jobOf(source) };
  const { result } = await context.jobs.run<{ right: string }>(job, async () => {
    const { test } = await context.tasks.data(source.data);
    const right = await rightAnswers(source.graph, test);
    return { right: right.map((each) => (each ? '1' : '0')).join('') };
  });
  return Array.from(result.right, (each) => each === '1');
}

/** Which images a network answers right. */
async function rightAnswers(graph: Graph, data: Dataset): Promise<boolean[]> {
  const answers = await answersOf(graph, data, { provider: 'cpu' });
  return Array.from(answers, (answer, image) => answer === data.labels[image]);
}

const shareOf = (right: readonly boolean[]): number => right.filter(Boolean).length / right.length;

/**
 * Half the width of the 95 % interval of the change in error, in points, mean over tasks and repeats: what other test images
 * would make of the same networks, not what other networks would be. Of each task it is McNemar's: networks differ on some
 * images only. On other images tasks are independent; on the same ones their errors are taken to go together.
 *
 * @returns undefined where some were not counted
 */
export function halfWidth(outcomes: readonly Pick<Compared, 'scores' | 'paired'>[]): number | undefined {
  const all = outcomes.flatMap(({ scores, paired }) => Object.keys(scores).map((task) => paired?.[task]));
  const byImages = new Map<string, number>();
  for (const each of all) {
    if (!each) return undefined;
    byImages.set(each.of, (byImages.get(each.of) ?? 0) + standardError(each) / all.length);
  }
  return 100 * normal95 * Math.hypot(...byImages.values());
}

/** Of the difference of two fractions of the same images. */
const standardError = ({ lost, won, images }: Paired): number =>
  Math.sqrt(lost + won - (lost - won) ** 2 / images) / images;

const normal95 = 1.96;
