import { describeTensor, type TensorSpec } from '../../shared/manifest.ts';

/** A bundle as one side of a comparison. */
export interface Reader {
  /** The task it answers, for the sentence. */
  task: string;
  inputs: TensorSpec[];
}

/**
 * Why one request cannot feed both bundles, or null when it can: same inputs by name, type and dims, in any order.
 * (A client sends one set of inputs and gets the answers of all the tasks it asked for.)
 */
export function findDisagreement(a: Reader, b: Reader): string | null {
  const inB = new Map(b.inputs.map((input) => [input.name, input]));
  for (const input of a.inputs) {
    const other = inB.get(input.name);
    if (other === undefined) return `task "${a.task}" reads input "${input.name}", task "${b.task}" does not`;
    if (describeTensor(input) !== describeTensor(other)) {
      return `input "${input.name}" is ${describeTensor(input)} for task "${a.task}" and ${describeTensor(other)} for task "${b.task}"`;
    }
    inB.delete(input.name);
  }
  const [extra] = inB.keys();
  return extra === undefined ? null : `task "${b.task}" reads input "${extra}", task "${a.task}" does not`;
}
