import type { JobEvent, JobState, Progress } from '../../../../../shared/jobs.ts';
import type { Point } from '../../charts/extent.ts';
import { progressWords } from './words.ts';

/** One layer of a merge, as far as it has come. */
export interface LayerStory {
  readonly name: string;
  readonly stage: string;
  /** 0 to 1. */
  readonly done: number;
}

export interface LogLine {
  readonly sequence: number;
  readonly at: string;
  readonly text: string;
  readonly tone: 'neutral' | 'good' | 'warn' | 'bad';
}

/** What became of a job so far: its events, put together for a page. */
export interface JobStory {
  readonly state: JobState;
  readonly attempts: number;
  readonly runner: string | null;
  readonly reason: string | null;
  /** The newest; null before the first. */
  readonly progress: Progress | null;
  /** Layers that are shared one after the other; null: not known yet how many. */
  readonly layers: number | null;
  /** In their order; a layer that was not reached is not there. */
  readonly story: readonly LayerStory[];
  /** By task: loss at each step, counted over all layers. */
  readonly losses: Readonly<Record<string, readonly Point[]>>;
  /** By task: accuracy (0 to 1) after each layer. */
  readonly accuracy: Readonly<Record<string, readonly Point[]>>;
  /** Names of the layers that the accuracies stand after. */
  readonly validated: readonly string[];
  /** Times that an attempt ended and another one went on. */
  readonly resumed: number;
  readonly log: readonly LogLine[];
  /** Sequence of the newest event. */
  readonly last: number;
  /** Steps of layers before the current one, for the losses' axis. */
  readonly stepsBefore: number;
  readonly lastStep: number;
}

export const emptyStory: JobStory = {
  state: 'queued',
  attempts: 0,
  runner: null,
  reason: null,
  progress: null,
  layers: null,
  story: [],
  losses: {},
  accuracy: {},
  validated: [],
  resumed: 0,
  log: [],
  last: 0,
  stepsBefore: 0,
  lastStep: 0,
};

/** The log holds the newest lines only; the service has them all. */
const keptLines = 1000;

/** The story with one event more. Events that are known already change nothing. */
export function withEvent(story: JobStory, event: JobEvent): JobStory {
  if (event.sequence <= story.last) return story;
  const next = event.type === 'state' ? withState(story, event.data) : withProgress(story, event.data);
  const line = lineOf(story, event);
  return {
    ...next,
    last: event.sequence,
    log: line === null ? story.log : [...story.log, line].slice(-keptLines),
  };
}

function withState(story: JobStory, data: Extract<JobEvent, { type: 'state' }>['data']): JobStory {
  const { state, attempts, runner, reason } = data;
  const goesOn = state === 'leased' && story.log.some(({ text }) => text.startsWith('Runner '));
  return {
    ...story,
    ...{ state, attempts, reason },
    runner: runner ?? story.runner,
    resumed: story.resumed + (goesOn ? 1 : 0),
  };
}

function withProgress(story: JobStory, progress: Progress): JobStory {
  const { layer, layerIndex, layers, step, losses, accuracy, stage } = progress;
  let next: JobStory = { ...story, progress, layers: layers ?? story.layers };
  if (layer !== undefined && layerIndex !== undefined)
    next = { ...next, story: withLayer(story.story, progress) };
  if (stage === 'retrain' && step !== undefined && losses !== undefined) {
    // Each layer counts its steps from one; an attempt that went on counts on where it was.
    const begins = step <= story.lastStep;
    const stepsBefore = begins ? story.stepsBefore + story.lastStep : story.stepsBefore;
    next = {
      ...next,
      stepsBefore,
      lastStep: step,
      losses: appended(story.losses, losses, stepsBefore + step),
    };
  }
  if (stage === 'validate' && accuracy !== undefined) {
    // A layer that a floor undid is shared again, less: the line falls and rises where it stands.
    const isAgain = layer !== undefined && story.validated.at(-1) === layer;
    const validated = isAgain ? story.validated : [...story.validated, layer ?? ''];
    next = { ...next, validated, accuracy: appended(story.accuracy, accuracy, validated.length) };
  }
  return next;
}

/** Shares of a layer's work: measuring and sharing are short, retraining is long. */
function doneOf({ stage, step, steps }: Progress): number {
  switch (stage) {
    case 'measure':
      return 0.05;
    case 'share':
      return 0.15;
    case 'retrain':
      return step === undefined || steps === undefined || steps === 0 ? 0.2 : 0.2 + (0.75 * step) / steps;
    case 'validate':
      return 1;
    default:
      return 0.1;
  }
}

function withLayer(story: readonly LayerStory[], progress: Progress): LayerStory[] {
  const { layer: name = '', layerIndex = 0, stage } = progress;
  // Whatever comes before is done: its last event may have been passed over.
  const before = story.slice(0, layerIndex).map((one) => ({ ...one, done: 1 }));
  const filled = Array.from(
    { length: layerIndex },
    (_, at): LayerStory => before[at] ?? { name: `layer ${at + 1}`, stage: 'validate', done: 1 },
  );
  return [...filled, { name, stage, done: doneOf(progress) }];
}

function appended(
  lines: Readonly<Record<string, readonly Point[]>>,
  values: Readonly<Record<string, number>>,
  x: number,
): Record<string, readonly Point[]> {
  const next: Record<string, readonly Point[]> = { ...lines };
  for (const [task, y] of Object.entries(values)) next[task] = [...(lines[task] ?? []), { x, y }];
  return next;
}

function lineOf(story: JobStory, { sequence, at, ...event }: JobEvent): LogLine | null {
  if (event.type === 'progress') {
    const { stage, layer } = event.data;
    const last = story.progress;
    // Steps of one retraining are drawn, not written.
    if (stage === 'retrain' && last?.stage === 'retrain' && last.layer === layer) return null;
    return { sequence, at, text: progressWords(event.data), tone: stage === 'floor' ? 'warn' : 'neutral' };
  }
  const { state, runner, reason, attempts } = event.data;
  const because = reason === null ? '' : `: ${reason}`;
  switch (state) {
    case 'queued':
      return reason === null && attempts === 0
        ? { sequence, at, text: 'Waits for a runner', tone: 'neutral' }
        : { sequence, at, text: `Waits for another attempt${because}`, tone: 'warn' };
    case 'leased':
      return { sequence, at, text: `Runner ${runner ?? ''} works on it`, tone: 'neutral' };
    case 'succeeded':
      return { sequence, at, text: `Done${because}`, tone: reason === null ? 'good' : 'warn' };
    case 'failed':
      return { sequence, at, text: `Failed${because}`, tone: 'bad' };
    case 'cancelled':
      return { sequence, at, text: `Cancelled${because}`, tone: 'warn' };
    default:
      return state satisfies never;
  }
}

/** How much of the whole is done, 0 to 1; null while nobody knows. */
export function shareDone({ story, layers, state }: JobStory): number | null {
  if (state === 'succeeded') return 1;
  if (layers === null || layers === 0 || story.length === 0) return null;
  return Math.min(1, story.reduce((sum, { done }) => sum + done, 0) / layers);
}
