/** There is no Docker where the tests run: what a build would stumble over is looked for in the file. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Copy, DockerfileParser, Healthcheck, JSONInstruction, type Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'gpu-runner/Dockerfile'), 'utf8');
const dockerfile = DockerfileParser.parse(text);
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

const stages = dockerfile.getFROMs().reduce<Stage[]>((all, from) => {
  const start = from.getRange().start.line;
  const next = dockerfile.getFROMs().find((other) => other.getRange().start.line > start);
  const end = next?.getRange().start.line ?? Infinity;
  const instructions = dockerfile
    .getInstructions()
    .filter((one) => one.getRange().start.line > start && one.getRange().start.line < end);
  return [...all, { name: from.getBuildStage() ?? '', base: from.getImage() ?? '', instructions }];
}, []);

const stage = (name: string): Stage => {
  const found = stages.find((one) => one.name === name);
  if (!found) throw new Error(`There is no stage ${name}`);
  return found;
};
const named = (keyword: string, from: readonly Instruction[] = dockerfile.getInstructions()): Instruction[] =>
  from.filter((one) => one.getKeyword() === keyword);
/** Arguments of COPY without options: what, and where to. */
const copied = (copy: Instruction): { from: string | undefined; sources: string[]; target: string } => {
  const from = copy instanceof Copy ? (copy.getFromFlag()?.getValue() ?? undefined) : undefined;
  const values = copy.getArguments().map((argument) => argument.getValue());
  return { from, sources: values.slice(0, -1), target: values.at(-1) ?? '' };
};
const words = (instruction: Instruction | undefined): string[] =>
  instruction instanceof JSONInstruction ? instruction.getJSONStrings().map((one) => one.getJSONValue()) : [];

/** Paths that the build gets to see: the last pattern that fits a path decides. */
const ignore = readFileSync(join(root, 'gpu-runner/Dockerfile.dockerignore'), 'utf8')
  .split('\n')
  .filter(Boolean);
const isSent = (path: string): boolean => {
  const [top = ''] = path.split('/');
  const fits = (pattern: string): boolean =>
    pattern === '**' ||
    (pattern.startsWith('**/')
      ? path.split('/').includes(pattern.slice(3))
      : pattern.startsWith('*.')
        ? !path.includes('/') && path.endsWith(pattern.slice(1))
        : pattern === top);
  const last = ignore.findLast((line) => fits(line.replace('!', '')));
  return last === undefined || last.startsWith('!');
};

/** Every file that a program loads, and every package, following its imports; types vanish. */
function reached(program: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [program];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const source = readFileSync(join(root, file), 'utf8');
    const pattern =
      /(?:^|\n)(?:import|export)(?! type)[^;]*? from '([^']+)'|import\('([^']+)'\)|new URL\('(\.[^']+\.ts)'/g;
    for (const [, ...names] of source.matchAll(pattern)) {
      const name = names.find(Boolean) ?? '';
      if (name.startsWith('.')) queue.push(relative(root, join(root, dirname(file), name)));
      else if (!name.startsWith('node:')) packages.add(/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
    }
  }
  return { files, packages };
}

describe("the runner's Dockerfile", () => {
  it('has nothing that its linter complains about', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([]);
  });

  it('names a tag of every image, none of them "latest", and the Node that package.json pins', () => {
    const args = new Map(
      dockerfile.getARGs().map((arg) => {
        const property = arg.getProperty();
        return [property?.getName() ?? '', property?.getValue() ?? ''];
      }),
    );
    expect(args.get('NODE_VERSION')).toBe(packageJson.devDependencies.node);
    const stageNames = new Set(stages.map(({ name }) => name));
    const images = stages
      .map(({ base }) => base.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? ''))
      .filter((image) => !stageNames.has(image));
    expect(images).toHaveLength(2);
    for (const image of images) expect(image).toMatch(/^[a-z0-9./-]+:(?!latest)[a-z0-9][\w.-]+$/);
  });

  it('copies only what is there and is sent to the build', () => {
    const copies = named('COPY').map(copied);
    expect(copies.length).toBeGreaterThan(5);
    for (const { from, sources } of copies) {
      if (from !== undefined) expect(stages.map(({ name }) => name)).toContain(from);
      else
        for (const source of sources) {
          expect(existsSync(join(root, source)), source).toBe(true);
          if (source !== '.') expect(isSent(source), source).toBe(true);
        }
    }
    for (const kept of [
      'node_modules',
      'gpu-runner/node_modules',
      '.git',
      '.cache',
      '.dev.vars',
      'workers/edge/dist',
    ])
      expect(isSent(kept), kept).toBe(false);
  });

  it('sends what the checks read', () => {
    const read = [
      '.ci/run',
      'eslint.config.js',
      'vitest.config.ts',
      'tsconfig.json',
      'wrangler.toml',
      'README.md',
      '.prettierrc.json',
      'tests/flows/edge.test.ts',
    ];
    expect(read.filter((path) => existsSync(join(root, path)) && !isSent(path))).toEqual([]);
  });

  it('runs scripts that exist', () => {
    const commands = named('RUN').map((run) => run.getArgumentsContent() ?? '');
    for (const [, script = ''] of commands.join('\n').matchAll(/\bnpm (?:run )?([\w:-]+)/g))
      expect(['ci', ...Object.keys(packageJson.scripts)]).toContain(script);
    expect(commands.join('\n')).toMatch(/\bnpm test\b/);
    const [command] = named('CMD', stage('runner').instructions);
    const [program, , file = '', ...args] = words(command);
    expect([program, args]).toEqual(['node', ['runner']]);
    expect(existsSync(join(root, file))).toBe(true);
  });

  it('holds every file and every package that the runner loads', () => {
    const folders = named('COPY', stage('runner').instructions)
      .map(copied)
      .filter(({ from }) => from === undefined)
      .flatMap(({ sources, target }) => {
        // What is imported by relative paths must lie as it does in the repository.
        for (const source of sources) expect([source, './']).toContain(target);
        return sources;
      });
    const { files, packages } = reached('gpu-runner/cli.ts');
    expect(files.has('gpu-runner/runner/work/jobMain.ts')).toBe(true);
    expect([...files].filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`)))).toEqual([]);
    expect([...packages].filter((name) => !(name in packageJson.dependencies))).toEqual([]);
    expect(packages).not.toContain('onnxruntime-web');
    expect(packages).toContain('onnxruntime-node');
  });

  it('does not run as root, is asked for its health where it listens, and keeps its data in a volume', () => {
    const { instructions } = stage('runner');
    const order = instructions.map((one) => one.getKeyword());
    expect(named('USER', instructions).at(-1)?.getArgumentsContent()).toBe('runner');
    expect(order.lastIndexOf('RUN')).toBeLessThan(order.indexOf('USER'));
    const settings = named('ENV', instructions)
      .map((one) => one.getArgumentsContent() ?? '')
      .join(' ');
    const port = /TRUNKLINE_RUNNER_HEALTH=0\.0\.0\.0:(\d+)/.exec(settings)?.[1] ?? 'none';
    expect(named('EXPOSE', instructions)[0]?.getArgumentsContent()).toBe(port);
    const [health] = dockerfile.getHEALTHCHECKs().filter((one) => one instanceof Healthcheck);
    expect(health?.getArgumentsContent()).toContain(`http://127.0.0.1:${port}/health/live`);
    expect(settings).toContain(
      `TRUNKLINE_RUNNER_FOLDER=${named('VOLUME', instructions)[0]?.getArgumentsContent() ?? ''}`,
    );
  });

  it('keeps secrets out of the image', () => {
    expect(text.replaceAll(/^#.*$/gm, '')).not.toMatch(/TRUNKLINE_KEY|SECRET|TOKEN|PASSWORD/);
  });
});
