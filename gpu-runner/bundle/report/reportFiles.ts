import type { Manifest } from '../../../shared/manifest.ts';
import { explainIssues } from '../../../shared/explain-issues.ts';
import { report as reportSchema, type Report, type ReportInput } from '../../../shared/report.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { renderReport } from './renderReport.ts';

/**
 * A report as files of its bundle, and where the manifest finds them. What serves the bundle never reads them.
 *
 * @throws {Error} naming the places where the report breaks the schema in `shared/report.ts`
 */
export function reportFiles(given: ReportInput): {
  readonly paths: NonNullable<Manifest['report']>;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
} {
  const report = checkReport(given);
  const paths = { json: 'report.json', html: 'report.html' };
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  const files = new Map([
    [paths.json, bytes(canonicalJson(JSON.parse(JSON.stringify(report))))],
    [paths.html, bytes(renderReport(report))],
  ]);
  return { paths, files };
}

/** @throws {Error} naming the places that are wrong */
export function checkReport(given: unknown): Report {
  const { data, error } = reportSchema.safeParse(given);
  if (error) throw new Error(`Cannot write report: it is not valid: ${explainIssues(error)}`);
  return data;
}
