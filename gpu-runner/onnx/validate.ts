import { elementCount, type Tensor } from '../../shared/tensor.ts';
import type { Graph } from './graph.ts';
import { subgraphs } from './node.ts';

/**
 * Checks what every other part takes for granted: each value is defined once and before it is read, tensors hold as many
 * elements as their dims say, operator sets are declared.
 *
 * @param outer values of surrounding graphs, which nested graphs may read
 * @throws {Error} naming the value or node that is wrong.
 */
export function validate(graph: Graph, outer: ReadonlySet<string> = new Set()): void {
  const refuse = (reason: string): Error => new Error(`Cannot use graph "${graph.name}": ${reason}`);
  const defined = new Set(outer);
  const define = (name: string, what: string): void => {
    if (name === '') throw refuse(`${what} has no name`);
    if (defined.has(name)) throw refuse(`value "${name}" is defined twice, the second time by ${what}`);
    defined.add(name);
  };
  for (const { name } of graph.inputs) define(name, 'an input');
  for (const [name, tensor] of graph.initializers) {
    define(name, 'an initializer');
    if (tensor.data.length !== elementCount(tensor.dims))
      throw refuse(`initializer "${name}" ${sizes(tensor)}`);
  }
  for (const node of graph.nodes) {
    const label = `${node.op} "${node.name}"`;
    if (node.domain !== '' && !graph.domains.has(node.domain)) {
      throw refuse(`${label} needs operator set "${node.domain}", which is not declared`);
    }
    const unknown = node.inputs.find((name) => name !== '' && !defined.has(name));
    if (unknown !== undefined) throw refuse(`${label} reads "${unknown}", which is not defined before it`);
    for (const inner of subgraphs(node)) validate(inner, defined);
    for (const name of node.outputs) if (name !== '') define(name, label);
  }
  for (const { name } of graph.outputs)
    if (!defined.has(name)) throw refuse(`output "${name}" is not defined`);
  if (graph.outputs.length === 0) throw refuse('it has no outputs');
  const outputs = graph.outputs.map(({ name }) => name);
  if (new Set(outputs).size !== outputs.length)
    throw refuse(`outputs ${outputs.join(', ')} name one value twice`);
}

const sizes = ({ dims, data }: Tensor): string => `has dims [${dims.join()}] but ${data.length} elements`;
