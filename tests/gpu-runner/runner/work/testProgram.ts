/** A job's process that does what the name of its subject says. */
import { setTimeout } from 'node:timers/promises';
import { JobError } from '../../../../gpu-runner/runner/work/job.ts';
import { serveJob } from '../../../../gpu-runner/runner/work/jobProcess.ts';

serveJob(async ({ claim, folder, signal, report, log, saveCheckpoint }) => {
  if (claim.inputs.kind !== 'inspect') throw new Error('This is for inspections');
  report({ stage: 'inspect', message: `process ${process.pid} in ${folder}` });
  switch (claim.inputs.version.name) {
    case 'good':
      log('all is well');
      return {
        inspection: {
          ...({ format: 'trunkline.inspection/1', kind: 'dataset' } as const),
          ...{ samples: 1, sampleDims: [1], classes: 1, labelCounts: [1], badFiles: [], problems: [] },
        },
      };
    case 'wrong':
      throw new JobError('Cannot zip conv3: too wide', { retryable: false });
    case 'unlucky':
      throw new Error('ECONNRESET');
    case 'crash':
      console.error('free(): invalid pointer');
      process.kill(process.pid, 'SIGKILL');
      return setTimeout(60_000).then(() => Promise.reject(new Error('alive')));
    case 'obedient':
      await setTimeout(60_000, undefined, { signal }).catch(() => undefined);
      log(`stopped by ${signal.reason instanceof Error ? signal.reason.name : 'nobody'}`);
      signal.throwIfAborted();
      throw new Error('nobody stopped it');
    case 'stubborn':
      for (;;) await setTimeout(1000);
    case 'stale':
      await saveCheckpoint({ sha256: '0'.repeat(64), sizeBytes: 1, step: 1 }, signal);
      throw new Error('it was let through');
    default:
      throw new Error(`What is ${claim.inputs.version.name}?`);
  }
});
