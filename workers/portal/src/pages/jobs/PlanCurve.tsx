import { useState } from 'react';
import type { PlanResult } from '../../../../../shared/jobs.ts';
import type { Storage } from '../../../../../shared/recipe.ts';
import Curve from '../merge/Curve.tsx';

/** What a plan came to: its curve, and a place on it to look at. */
export function PlanCurve({ result, storage }: { readonly result: PlanResult; readonly storage: Storage }) {
  const [place, setPlace] = useState(0);
  return (
    <Curve
      {...{ result, storage, place }}
      measure={result.of === 'macs' ? 'macs' : 'bytes'}
      onPlace={setPlace}
    />
  );
}
