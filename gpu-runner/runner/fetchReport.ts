import { experimentReport, type ExperimentReport } from '../../shared/experiment-report.ts';
import { callControl, type ControlAccess } from './controlClient.ts';

/**
 * How an experiment stands. The key needs the scope read.
 *
 * @throws {Error} "Cannot report on experiment <name>: ..." with the service's own sentence
 */
export async function fetchReport(name: string, access: ControlAccess): Promise<ExperimentReport> {
  try {
    const path = `/v1/experiments/${encodeURIComponent(name)}/report`;
    return experimentReport.parse(await (await callControl(access, { method: 'GET', path })).json());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot report on experiment ${name}: ${why}`, { cause });
  }
}
