/** The program that `runInProcess` forks. */
import { serveJob } from './jobProcess.ts';
import { performJob } from './performJob.ts';

serveJob(performJob);
