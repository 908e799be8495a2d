import type { Experiment } from '../../shared/experiment.ts';
import { findEndpoint, isServing } from '../store/endpoints.ts';
import { experimentsOf, findExperiment } from '../store/experiments.ts';
import type { Stores } from '../store/stores.ts';
import { sameTasks } from './set-endpoint.ts';
import { findUnservable } from './unservable.ts';

/**
 * Why an experiment cannot run now, or null when it can: its endpoint must serve the default arm, so that requests
 * outside the experiment get the same; every arm must be servable and read the same inputs; and no unit may be in
 * another running experiment of the endpoint too.
 */
export async function findUnready({ db }: Stores, experiment: Experiment): Promise<string | null> {
  const { endpoint, arms, defaultArm } = experiment;
  const current = await findEndpoint(db, endpoint);
  const own = (await findExperiment(db, experiment.experiment))?.project ?? current?.project;
  if (current === undefined || !isServing(current) || current.project !== own) {
    return `there is no endpoint "${endpoint}"`;
  }
  const standard = arms.find((arm) => arm.name === defaultArm)?.tasks ?? {};
  if (!sameTasks(current.tasks, standard)) {
    return `endpoint "${endpoint}" serves other bundles at revision ${current.revision} than default arm "${defaultArm}"`;
  }
  for (const arm of arms) {
    const why = await findUnservable(db, current.project, [
      ...Object.entries(standard),
      ...Object.entries(arm.tasks),
    ]);
    if (why !== null) return `arm "${arm.name}" cannot be served: ${why}`;
  }
  const others = (await experimentsOf(db, endpoint)).map((row) => row.document);
  for (const other of others) {
    if (other.state !== 'running' || other.experiment === experiment.experiment) continue;
    const why = findOverlap(experiment, other);
    if (why !== null) return `experiment "${other.experiment}" is running on endpoint "${endpoint}": ${why}`;
  }
  return null;
}

/** Why two experiments could share a unit, or null when they cannot. */
function findOverlap(a: Experiment, b: Experiment): string | null {
  if (a.layer === null || b.layer === null || a.layer.name !== b.layer.name) {
    return 'to run side by side both must own slots of one layer';
  }
  if (a.layer.start < b.layer.end && b.layer.start < a.layer.end) {
    return `both own slots ${Math.max(a.layer.start, b.layer.start)} to ${Math.min(a.layer.end, b.layer.end) - 1} of layer "${a.layer.name}"`;
  }
  if (a.unit.from !== b.unit.from || a.unit.name !== b.unit.name) {
    return 'to share a layer both must take the unit from the same place';
  }
  return null;
}
