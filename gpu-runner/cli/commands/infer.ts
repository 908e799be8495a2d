import type { Command } from 'commander';
import { InferenceClient, readClasses, type Inference } from '../../../client/inference.ts';
import { textTable } from '../../runner/textTable.ts';
import { edgeAccess, readCredentials } from '../config.ts';
import type { CommandContext } from '../context.ts';
import { readPreprocessing } from '../dataDescription.ts';
import { answer, commaSeparated, connect, wholeNumber, withRemote, type JsonOption } from '../options.ts';
import type { Preprocessing } from '../../../shared/preprocessing.ts';
import type { RemoteOptions } from '../config.ts';

interface InferOptions extends RemoteOptions, JsonOption {
  readonly edgeUrl?: string;
  readonly tasks?: string[];
  readonly classes: number;
  readonly preprocessing?: string;
  readonly array: string;
}

/** An endpoint's answers. */
export function addInfer(program: Command, context: CommandContext): void {
  withRemote(program.command('infer'))
    .description('ask an endpoint about images, the array of an .npz, or numbers in a JSON file')
    .argument('<endpoint>')
    .argument('<file...>')
    .option('--edge-url <url>', 'of the edge Worker (default: TRUNKLINE_EDGE_URL, or that of your login)')
    .option('--tasks <list>', 'what to ask (default: all)', commaSeparated)
    .option(
      '--classes <n>',
      'the best so many classes; 0: all numbers as they are',
      wholeNumber(0, 10_000),
      1,
    )
    .option('--preprocessing <file>', "how images become inputs, as JSON (default: the bundle's)")
    .option('--array <name>', 'of an .npz', 'x')
    .action(async (endpoint: string, files: string[], options: InferOptions) => {
      const client = new InferenceClient({
        ...(await edgeAccess(context.env, options)),
        signal: context.signal,
      });
      const { inputs } = await client.metadata(endpoint);
      const { readInputs } = await import('../inputs.ts');
      const { tensors, samples } = await readInputs(files, inputs, {
        array: options.array,
        preprocessing: () => preprocessingFor(context, endpoint, options),
        note: context.complain,
      });
      const classes = options.classes === 0 ? undefined : options.classes;
      const inference = await client.infer(endpoint, tensors, { tasks: options.tasks, classes });
      answer(context, options, classes === undefined ? inference : asClasses(inference), () =>
        classes === undefined ? numberTable(inference, samples) : classTable(inference, samples),
      );
    });
}

/** As declared by an option, or by the bundle that answers; null when neither says. */
async function preprocessingFor(
  context: CommandContext,
  endpoint: string,
  options: InferOptions,
): Promise<Preprocessing | null> {
  if (options.preprocessing !== undefined) return readPreprocessing(options.preprocessing);
  const known = context.env.TRUNKLINE_KEY !== undefined || (await readCredentials(context.env)) !== null;
  if (!known) return null;
  try {
    const client = await connect(context, options);
    const [bundle = ''] = Object.values((await client.endpoints.get(endpoint)).tasks);
    const { manifest } = await import('../../../shared/manifest.ts');
    const parsed = manifest.parse(JSON.parse(new TextDecoder().decode(await client.manifest(bundle))));
    return typeof parsed.preprocessing === 'string' ? null : parsed.preprocessing;
  } catch {
    // A key that only may infer, or an endpoint that no control Worker knows.
    return null;
  }
}

const asClasses = (inference: Inference) => ({
  version: inference.version,
  outputs: Object.fromEntries(
    Object.entries(inference.outputs).map(([task, output]) => [task, readClasses(output)]),
  ),
});

function classTable({ outputs }: Inference, samples: readonly string[]): string[] {
  const rows = Object.entries(outputs).flatMap(([task, output]) =>
    readClasses(output).flatMap((classes, sample) =>
      classes.map(({ label, index, value }) => [
        samples[sample] ?? String(sample),
        task,
        label === '' ? String(index) : label,
        value.toFixed(4),
      ]),
    ),
  );
  const order = new Map(samples.map((sample, index) => [sample, index]));
  rows.sort((a, b) => (order.get(a[0] ?? '') ?? 0) - (order.get(b[0] ?? '') ?? 0));
  return textTable([['input', 'task', 'class', 'score'], ...rows], 3);
}

function numberTable({ outputs }: Inference, samples: readonly string[]): string[] {
  const rows = Object.entries(outputs).flatMap(([task, { data, shape }]) => {
    const width = data.length / (shape[0] ?? 1);
    return samples.map((sample, index) => [
      sample,
      task,
      data
        .slice(index * width, (index + 1) * width)
        .map((value) => (typeof value === 'number' ? value.toPrecision(5) : String(value)))
        .join(' '),
    ]);
  });
  return textTable([['input', 'task', 'answer'], ...rows], 3);
}
