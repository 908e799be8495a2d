import { describe, expect, it } from 'vitest';
import { exportBundle, packModel, type ModelSource } from '../../../../gpu-runner/bundle/export.ts';
import type { Bundle } from '../../../../gpu-runner/bundle/bundle.ts';
import { checkReport } from '../../../../gpu-runner/bundle/report/reportFiles.ts';
import { storeHalf } from '../../../../gpu-runner/bundle/quantise/storeHalf.ts';
import { servedFiles } from '../../../../shared/manifest.ts';
import type { Report } from '../../../../shared/report.ts';
import { NetBuilder } from '../../mtz/nets.ts';
import { bundleSource, trainedGraph, wholeGraph } from '../twoTasks.ts';

const model: ModelSource = {
  name: 'digit-net',
  task: 'digit',
  graph: wholeGraph('digit'),
  labels: ['a', 'b', 'c'],
  accuracy: { fraction: 0.75, samples: 40 },
  preprocessing: 'none',
  sha256: 'a'.repeat(64),
  createdAt: new Date('2026-01-02T03:04:05Z'),
};

const textOf = ({ files }: Bundle, path = ''): string => new TextDecoder().decode(files.get(path));
const reportOf = (bundle: Bundle): Report =>
  checkReport(JSON.parse(textOf(bundle, bundle.manifest.report?.json)));
const pageOf = (bundle: Bundle): string =>
  textOf(bundle, bundle.manifest.report?.html).replaceAll(/\s+/g, ' ');
const sectionsOf = (page: string): string[] =>
  Array.from(page.matchAll(/<section id="([^"]+)"/g), ([, id = '']) => id);

describe('the report of a network packed by itself', () => {
  it('tells of its task, layers, bytes, accuracy and storage, and why nothing is shared', async () => {
    const bundle = await packModel(model);
    const bytes = servedFiles(bundle.manifest).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const [head] = bundle.manifest.heads;
    const same = (value = 0) => ({ separate: value, zipped: value });
    const report = reportOf(bundle);
    expect(report).toMatchObject({
      name: 'digit-net',
      createdAt: '2026-01-02T03:04:05.000Z',
      tasks: [
        {
          task: 'digit',
          labels: ['a', 'b', 'c'],
          source: { name: 'digit-net', sha256: 'a'.repeat(64) },
          accuracy: { before: 0.75, after: 0.75, samples: 40 },
        },
      ],
      figures: { bytes: same(bytes), parameters: same(head?.parameters), macs: same(head?.macs) },
      unzipped: [
        {
          what: 'The network',
          reason: 'it was packed by itself: the bundle has no other to share with',
        },
      ],
      notes: ['Weights are stored as float32, as they were trained.'],
    });
    expect(report.plan.map(({ name, widths, blocks }) => [name, widths, blocks])).toEqual([
      ['conv1.out', { digit: 16 }, [{ tasks: ['digit'], channels: 16 }]],
      ['digit.conv2.out', { digit: 8 }, [{ tasks: ['digit'], channels: 8 }]],
      ['digit.logits', { digit: 3 }, [{ tasks: ['digit'], channels: 3 }]],
    ]);
  });

  it('has a page without what does not apply: no comparison, no retraining, no curve', async () => {
    const page = pageOf(await packModel(model));
    expect(sectionsOf(page)).toEqual(['figures', 'network', 'origin']);
    expect(page).toContain('75.00 %');
    expect(page).toContain('it was packed by itself');
    expect(page).not.toMatch(/separate|change|<th[^>]*>Shared|\u00d7|id="sharing/i);
  });

  it('says nothing of an accuracy that nobody measured', async () => {
    const bundle = await packModel({ ...model, accuracy: null });
    expect(reportOf(bundle).tasks[0]).not.toHaveProperty('accuracy');
    expect(pageOf(bundle)).not.toMatch(/accuracy/i);
  });

  it('says why its layers are not told apart, where it cannot be read', async () => {
    const graph = new NetBuilder(1, [4]).op('Relu').end();
    const report = reportOf(await packModel({ ...model, labels: [], graph }));
    expect(report.plan).toEqual([]);
    expect(report.notes.at(-1)).toMatch(
      /^Its layers are not told apart: Cannot zip "digit": none of its layers can be zipped/,
    );
  });
});

describe('the report of a bundle that nobody reports on', () => {
  it('tells of a merge what the manifest remembers, and no figure of networks that are not there', async () => {
    const bundle = await exportBundle(bundleSource(), trainedGraph());
    const report = reportOf(bundle);
    expect(report.tasks.map(({ task, accuracy }) => [task, accuracy?.after])).toEqual([
      ['digit', 0.88],
      ['fashion', 0.88],
    ]);
    expect(report.plan).toEqual([
      {
        ...{ name: 'conv1', layers: [], widths: { digit: 16, fashion: 16 }, cost: 0.25 },
        blocks: [{ tasks: ['digit', 'fashion'], channels: 16 }],
        bytes: { separate: 1280, zipped: 640 },
      },
    ]);
    expect(report.figures).toEqual({});
    expect(report.unzipped).toEqual([]);
    expect(report.notes[0]).toMatch(/^Trunk and heads have 2,736 parameters in 7\.\d+\skB/);
    expect(sectionsOf(pageOf(bundle))).toEqual(['figures', 'network', 'origin']);
  });

  it('says how weights are stored where that is not as they were trained', async () => {
    const source = bundleSource();
    const stored = { storage: 'float16' as const, ...storeHalf(source) };
    const bundle = await exportBundle({ ...source, stored }, trainedGraph());
    expect(reportOf(bundle).quantisation?.storage).toBe('float16');
    expect(reportOf(bundle).notes.join()).not.toContain('float32');
    expect(pageOf(bundle)).toContain('Weights are stored as float16.');
  });

  it('counts channels that only some tasks share, and those that each keeps', async () => {
    const sharing = [
      {
        layer: 'conv1',
        widths: { digit: 5, fashion: 3 },
        channels: [
          { digit: 0, fashion: 2 },
          { digit: 4, fashion: 0 },
        ],
        ...{ cost: 0, weights: { before: 80, after: 60 } },
      },
    ];
    const { plan } = reportOf(await exportBundle({ ...bundleSource(), sharing }, trainedGraph()));
    expect(plan[0]?.blocks).toEqual([
      { tasks: ['digit', 'fashion'], channels: 2 },
      { tasks: ['digit'], channels: 3 },
      { tasks: ['fashion'], channels: 1 },
    ]);
  });
});
