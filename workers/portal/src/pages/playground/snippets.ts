import type { Tensor } from '../../../../../shared/tensor.ts';
import { dataTypes } from '../../../../../shared/tensor.ts';

export interface Request {
  /** Where inference answers, e.g. "https://edge.example.com". */
  readonly url: string;
  readonly endpoint: string;
  readonly input: { readonly name: string; readonly tensor: Tensor<'float32'> };
  /** Tasks that are asked for. */
  readonly tasks: readonly string[];
}

/** Numbers that are written into a snippet at most; above, it reads a file. */
const inlineNumbers = 1024;

/** The request's body: values with as many digits as the network can tell apart. */
export function bodyOf({ input: { name, tensor }, tasks }: Pick<Request, 'input' | 'tasks'>): string {
  const data = Array.from(tensor.data, (value) => Number(value.toPrecision(6)));
  return JSON.stringify({
    inputs: [{ name, shape: tensor.dims, datatype: dataTypes[tensor.dtype].oip, data }],
    outputs: tasks.map((task) => ({ name: task })),
  });
}

/** Whether the snippets hold the whole input; otherwise they read `request.json`, which can be saved. */
export const isInline = ({ input }: Pick<Request, 'input'>): boolean =>
  input.tensor.data.length <= inlineNumbers;

const pathOf = ({ url, endpoint }: Request): string =>
  `${url.replace(/\/$/, '')}/v2/models/${encodeURIComponent(endpoint)}/infer`;

export function curlOf(request: Request): string {
  return [
    `curl ${quoted(pathOf(request))}`,
    `  -H "Authorization: Bearer $TRUNKLINE_KEY"`,
    `  -H 'Content-Type: application/json'`,
    `  --data ${isInline(request) ? quoted(bodyOf(request)) : '@request.json'}`,
  ].join(' \\\n');
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function typescriptOf(request: Request): string {
  const body = isInline(request)
    ? `JSON.stringify(${bodyOf(request)})`
    : `await readFile('request.json', 'utf8')`;
  return `${isInline(request) ? '' : "import { readFile } from 'node:fs/promises';\n\n"}interface Reply {
  outputs: { name: string; shape: number[]; data: number[] }[];
}

const response = await fetch(${JSON.stringify(pathOf(request))}, {
  method: 'POST',
  headers: {
    authorization: \`Bearer \${process.env.TRUNKLINE_KEY}\`,
    'content-type': 'application/json',
  },
  body: ${body},
});
if (!response.ok) throw new Error(((await response.json()) as { error: string }).error);
for (const { name, data } of ((await response.json()) as Reply).outputs) console.log(name, data);
`;
}

/** With the Triton client, which speaks the Open Inference Protocol to any server. */
export function pythonOf(request: Request): string {
  const { url, endpoint, input, tasks } = request;
  const { host, protocol } = new URL(url);
  const shape = `[${input.tensor.dims.join(', ')}]`;
  const numbers = isInline(request)
    ? `[${Array.from(input.tensor.data, (value) => Number(value.toPrecision(6))).join(', ')}]`
    : 'json.load(open("request.json"))["inputs"][0]["data"]';
  return `# pip install "tritonclient[http]" numpy
import ${isInline(request) ? 'os' : 'json, os'}

import numpy as np
import tritonclient.http as oip

client = oip.InferenceServerClient(${JSON.stringify(host)}, ssl=${protocol === 'https:' ? 'True' : 'False'})
data = np.array(${numbers}, dtype=np.float32).reshape(${shape})
image = oip.InferInput(${JSON.stringify(input.name)}, ${shape}, "FP32")
image.set_data_from_numpy(data)
reply = client.infer(
    ${JSON.stringify(endpoint)},
    [image],
    outputs=[oip.InferRequestedOutput(task) for task in ${JSON.stringify(tasks)}],
    headers={"Authorization": f"Bearer {os.environ['TRUNKLINE_KEY']}"},
)
for task in ${JSON.stringify(tasks)}:
    print(task, reply.as_numpy(task))
`;
}
