import type { RowId } from '../results.ts';
import { digits } from './digits.ts';
import { fiveAndFive } from './fiveAndFive.ts';
import { fourTasks } from './fourTasks.ts';
import { residual } from './residual.ts';
import type { Row } from './row.ts';
import { signs } from './signs.ts';

export const rows: Readonly<Record<RowId, Row>> = {
  '1': digits,
  '2': fourTasks,
  '3': signs,
  '4': residual,
  '5': fiveAndFive,
};
