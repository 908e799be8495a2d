import { expect, it } from 'vitest';
import { textTable } from '../../../gpu-runner/runner/textTable.ts';

it('textTable() aligns the first column to the left and the others to the right', () => {
  expect(
    textTable([
      ['', 'a', 'bb'],
      ['long name', '1', '2'],
      ['x', '100', ''],
    ]),
  ).toEqual(['             a  bb', '---------  ---  --', 'long name    1   2', 'x          100']);
});
