import { expect, it } from 'vitest';
import { forgetInReport } from '../../../gpu-runner/bundle/forgetTask.ts';
import { checkReport } from '../../../gpu-runner/bundle/report/reportFiles.ts';
import { full } from './report/reports.ts';

it('forgetInReport() leaves no sentence about the task that is gone, but what it caused and that it was there', () => {
  const told = checkReport({
    ...full,
    notes: [
      'float16: accuracy of "digit" not checked: no labels',
      'float16: accuracy of "fashion" not checked: no labels',
    ],
    retraining: {
      iterations: 4,
      events: [
        {
          kind: 'rollback',
          message:
            'After conv1: fashion fell to 80.00 %, its floor is 81.00 %, digit fell to 90.00 %, its floor is 95.00 %; conv1 shares 3 channels instead of 6',
        },
      ],
    },
  });
  const from = 'b'.repeat(64);
  const rest = { name: 'rest', createdAt: told.createdAt, recipe: null, from, trunkMacs: 1, headMacs: {} };
  const { notes, retraining } = forgetInReport(told, 'digit', rest);
  expect(notes).toEqual([
    'float16: accuracy of "fashion" not checked: no labels',
    `"digit" was taken out of bundle ${'b'.repeat(12)}: costs and retraining are those of the merge it took part in.`,
  ]);
  expect(retraining?.events[0]?.message).toBe(
    'After conv1: fashion fell to 80.00 %, its floor is 81.00 %, a task that was taken out fell to 90.00 %, its floor is 95.00 %; conv1 shares 3 channels instead of 6',
  );
});
