/**
 * The whole way on real data: two trained networks become one, both kinds are served from workerd, and the same
 * held-out images are sent to both.
 *
 *   npm run demo -- [--ab] [--quick] [--images N] [--json FILE] [--keep]
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPlatform } from '../../scripts/platform.ts';
import { generateKey } from '../../shared/keys.ts';
import { readNet } from '../nets.ts';
import { readTask, taskNames } from '../tasks.ts';
import { packDamaged } from './ab/packDamaged.ts';
import { renderAb } from './ab/report.ts';
import { runAb } from './ab/runAb.ts';
import { compareWithNode } from './compareWithNode.ts';
import { InferenceClient } from './client.ts';
import { ortWebHeapBytes, timeOrtWeb } from './ortWeb.ts';
import { Progress } from './progress.ts';
import { publishDemo } from './publishDemo.ts';
import { shuffledQuestions, shareRight } from './questions.ts';
import { renderReport, type DemoReport } from './report.ts';
import { sideReport } from './sideReport.ts';
import { packSeparate, packZipped } from './packNets.ts';
import { zipNets } from './zipNets.ts';
import { measureZip } from './zippedReport.ts';
import { keepServing } from './keepServing.ts';

const endpoints = { separate: 'separate', zipped: 'zipped' } as const;
type Side = keyof typeof endpoints;
const sides = ['separate', 'zipped'] as const satisfies Side[];

const { values: args } = parseArgs({
  options: {
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    ab: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    images: { type: 'string' },
  },
});
const imagesPerTask = Number(args.images ?? (args.quick ? 100 : 2000));
if (!Number.isInteger(imagesPerTask) || imagesPerTask < 1 || imagesPerTask > 2000)
  throw new Error(`Cannot send ${args.images ?? ''} images of each task: 1 to 2000 are held out`);

const folder = join(import.meta.dirname, '../../.cache', args.quick ? 'demo-quick' : 'demo');
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const progress = new Progress();

progress.step('Reading two trained networks, one for digits and one for clothes');
const nets = await Promise.all(
  taskNames.map(async (name) => ({ ...(await readNet(name)), images: await readTask(name) })),
);

progress.step('Zipping them: all hidden channels shared, one trunk, two heads');
const separate = await packSeparate(nets, folder);
const merged = await zipNets(nets, args.quick, progress);
progress.step('Measuring for its report: what other budgets would lose, what each network takes for what');
const network = await measureZip(merged, nets);
progress.step('Exporting trunk and heads, checking the files against the trained network');
const zipped = await packZipped('zipped', network, nets, folder);
const tested = Object.fromEntries(nets.map(({ images }) => [images.task, images.test]));

progress.step('Timing ONNX Runtime Web alone on both, in turn');
const ortWeb = await timeOrtWeb(separate, [zipped], 300);
const heapBytes = {
  separate: await ortWebHeapBytes(separate),
  zipped: await ortWebHeapBytes([zipped]),
};

progress.step('Starting the control Worker and the edge Worker in workerd');
const admin = generateKey().key;
const platform = await startPlatform({ persistTo: join(folder, 'state'), adminKey: admin });
try {
  progress.step('Publishing: blobs, then manifests, then the routing of two endpoints');
  const inferKey = await publishDemo(platform.controlUrl, admin, {
    [endpoints.separate]: Object.fromEntries(
      separate.map((one) => [one.manifest.heads[0]?.task ?? '', one.bundle]),
    ),
    [endpoints.zipped]: Object.fromEntries(taskNames.map((task) => [task, zipped.bundle])),
  });

  const questions = shuffledQuestions(taskNames, Object.values(endpoints), imagesPerTask);
  progress.step(`Sending ${imagesPerTask} held-out images of each task to both endpoints, in random order`);
  const client = new InferenceClient(platform.edgeUrl, inferKey);
  for (const endpoint of Object.values(endpoints)) await client.waitUntilReady(endpoint);
  const replies = await client.askAll(questions, tested, taskNames, (done) =>
    progress.update(`${done} of ${questions.length} requests`),
  );

  progress.step('Computing the same images with onnxruntime-node');
  const parity = {
    separate: await compareWithNode(
      separate,
      replies.filter((one) => one.question.endpoint === endpoints.separate),
      tested,
    ),
    zipped: await compareWithNode(
      [zipped],
      replies.filter((one) => one.question.endpoint === endpoints.zipped),
      tested,
    ),
  };

  const ab = args.ab
    ? await runAb({
        platform,
        adminKey: admin,
        separate,
        merged: zipped,
        damaged: await packDamaged(network, nets, folder, progress),
        nets,
        progress,
      })
    : null;
  const training = nets.map(({ info }) => info.training);
  const report: DemoReport = {
    date: new Date().toISOString(),
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
    tasks: taskNames.map((task) => ({
      task,
      images: imagesPerTask,
      separateAccuracy: shareRight(replies, tested, task, endpoints.separate),
      zippedAccuracy: shareRight(replies, tested, task, endpoints.zipped),
    })),
    separate: sideReport(endpoints.separate, separate, replies, ortWeb.firstMs, heapBytes.separate),
    zipped: sideReport(endpoints.zipped, [zipped], replies, ortWeb.secondMs, heapBytes.zipped),
    iterations: {
      training: Math.min(...training.map(({ steps }) => steps)),
      retraining: zipped.manifest.lineage.retrainingSteps,
      batchSize: zipped.manifest.recipe?.retraining.batchSize ?? NaN,
    },
    ortWebTimeRatio: ortWeb.ratio,
    parity: {
      images: replies.length,
      maxAbsDifference: Math.max(...sides.map((side) => parity[side].maxAbsDifference)),
      differentPredictions: sides.reduce((sum, side) => sum + parity[side].differentPredictions, 0),
    },
    seconds: progress.seconds,
    ab,
  };
  progress.step('Done');
  console.log(`\n${renderReport(report)}\n`);
  if (ab) console.log(`${renderAb(ab)}\n`);
  if (args.json !== undefined) {
    const file = resolve(args.json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
    console.log(`The same as data: ${args.json}`);
  }
  console.log(
    `The zipped bundle: ${zipped.folder}; open report.html in it to see what became of the networks`,
  );
  if (args.keep) {
    await keepServing({
      platform,
      folder,
      inferKey,
      endpoint: endpoints.zipped,
      tasks: taskNames,
      images: tested,
    });
  } else {
    console.log('Next: `npm run demo -- --keep` leaves both Workers up and prints a request to try.');
  }
} finally {
  await platform.stop();
}
