import { blocksOf, type ReportInput } from '../../../../shared/report.ts';

/** All that a report can say, about two tasks. */
export const full: ReportInput = {
  format: 'trunkline.report/1',
  name: 'two-tasks',
  createdAt: '2026-01-02T03:04:05.000Z',
  tasks: [
    {
      task: 'digit',
      source: { name: 'digit-net', sha256: 'a'.repeat(64), dataset: 'MNIST', iterations: 15000 },
      labels: ['zero', 'one'],
      accuracy: { before: 0.99, after: 0.98, samples: 200 },
      confusion: {
        before: [
          [99, 1],
          [1, 99],
        ],
        after: [
          [97, 3],
          [1, 99],
        ],
      },
      macs: { separate: 1000, zipped: 1000 },
    },
    { task: 'fashion', labels: [], accuracy: { before: 0.8, after: 0.81, samples: 100 } },
  ],
  recipe: { wiring: 'one-way', share: { share: 0.5 } },
  wiring: 'one-way',
  plan: [
    {
      name: 'conv1',
      layers: ['conv1', 'skip'],
      widths: { digit: 8, fashion: 10 },
      blocks: blocksOf({ digit: 8, fashion: 10 }, 6),
      cost: 0.125,
      bytes: { separate: 4000, zipped: 2500 },
      macs: { separate: 80_000, zipped: 50_000 },
    },
  ],
  tradeoff: {
    predicted: [
      { bytes: 4000, loss: 0 },
      { bytes: 3000, loss: 0.1 },
      { bytes: 2500, loss: 0.125 },
    ],
    measured: [{ bytes: 2500, loss: 0.2, label: 'as it is' }],
    budgetBytes: 2800,
    chosen: { bytes: 2500, loss: 0.125 },
  },
  retraining: {
    iterations: 40,
    seconds: 100,
    history: Array.from({ length: 40 }, (_, index) => ({
      step: index + 1,
      stage: index < 20 ? 'conv1' : 'end',
      losses: { digit: 1 / (index + 1), fashion: 2 / (index + 1) },
    })),
    validation: [
      { step: 20, stage: 'conv1', accuracy: { digit: 0.97, fashion: 0.8 } },
      { step: 40, stage: 'end', accuracy: { digit: 0.98, fashion: 0.81 } },
    ],
    floors: { digit: 0.975 },
    events: [{ step: 20, kind: 'rollback', message: 'conv1 shares 6 channels in place of 8' }],
  },
  figures: {
    bytes: { separate: 4000, zipped: 2500 },
    macs: { separate: 80_000, zipped: 50_000 },
    latencyMs: { separate: 0.8, zipped: 0.5 },
    heapBytes: { separate: 20 * 2 ** 20, zipped: 16 * 2 ** 20 },
    iterations: { separate: 15000, zipped: 40 },
  },
  quantisation: {
    storage: 'int8',
    method: 'percentile',
    calibrationSamples: 64,
    quantised: 3,
    excluded: [{ part: 'digit', layer: 'classifier', reason: 'it costs too much' }],
    error: { digit: { relative: 0.01, maxAbs: 0.2, agreement: 0.995 } },
    accuracy: { digit: { before: 0.98, after: 0.975, samples: 200 } },
    bytes: { float32: 2500, stored: 700 },
  },
  unzipped: [{ what: 'LSTM "lstm"', reason: 'recurrent weights stay their own' }],
  notes: ['Retrained without labels.'],
  environment: { machine: 'two cores', versions: { node: '22.23.3' }, seconds: 143 },
};

/** As little as a report can say. */
export const bare: ReportInput = {
  format: 'trunkline.report/1',
  name: 'bare',
  createdAt: '2026-01-02T03:04:05.000Z',
  tasks: [{ task: 'digit' }],
};
