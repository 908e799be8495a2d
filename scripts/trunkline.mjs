#!/usr/bin/env node
// The command line under the Node version this repository pins, in the folder where it was called: `npx trunkline ...`.
import { run } from './run.mjs';

run('gpu-runner/cli.ts', process.argv.slice(2), process.cwd());
