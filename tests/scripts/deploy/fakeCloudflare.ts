import type { Ran, Wrangler } from '../../../scripts/deploy/wrangler.ts';

/** An account, as wrangler's commands see it. */
export class FakeCloudflare {
  readonly databases = new Map<string, string>();
  readonly namespaces = new Map<string, string>();
  readonly buckets = new Set<string>();
  readonly queues = new Set<string>();
  readonly secrets = new Map<string, Map<string, string>>();
  /** Command lines, in order. */
  readonly asked: string[] = [];
  /** Commands that fail, once each. */
  readonly failing = new Set<string>();
  deployments = 0;
  #ids = 0;

  readonly run: Wrangler = (args, input) => {
    const line = args.join(' ');
    this.asked.push(line);
    for (const prefix of this.failing) {
      if (!line.startsWith(prefix)) continue;
      this.failing.delete(prefix);
      return Promise.resolve(bad('fetch failed'));
    }
    return Promise.resolve(this.#answer(args, input ?? ''));
  };

  #answer(args: readonly string[], input: string): Ran {
    const [first = '', second = '', third = '', fourth = ''] = args;
    const id = (): string => String(++this.#ids).padStart(32, '0');
    const config = args[args.indexOf('--config') + 1] ?? '';
    switch (`${first} ${second}`) {
      case 'd1 list':
        return json(Array.from(this.databases, ([name, uuid]) => ({ name, uuid })));
      case 'd1 create':
        this.databases.set(third, id());
        return good();
      case 'd1 migrations':
        return this.databases.has(fourth) ? good('No migrations to apply!') : bad('no such database');
      case 'kv namespace':
        if (third === 'list')
          return json(Array.from(this.namespaces, ([title, one]) => ({ title, id: one })));
        this.namespaces.set(fourth, id());
        return good();
      case 'r2 bucket':
        return third === 'info'
          ? this.buckets.has(fourth)
            ? json({})
            : bad('not found')
          : add(this.buckets, fourth);
      case 'queues info':
        return this.queues.has(third) ? good() : bad('not found');
      case 'queues create':
        return add(this.queues, third);
      case 'secret list':
        return json([...(this.secrets.get(config)?.keys() ?? [])].map((name) => ({ name })));
      case 'secret put': {
        const all = this.secrets.get(config) ?? new Map<string, string>();
        this.secrets.set(config, all.set(third, input));
        return good();
      }
      default:
        if (first !== 'deploy') return bad(`unknown: ${args.join(' ')}`);
        this.deployments += 1;
        return good(
          `Deployed\n  https://trunkline-${config.includes('edge') ? 'edge' : 'control'}.me.workers.dev\n`,
        );
    }
  }
}

const good = (stdout = ''): Ran => ({ ok: true, stdout, output: stdout });
const bad = (output: string): Ran => ({ ok: false, stdout: '', output });
const json = (value: unknown): Ran => good(JSON.stringify(value));

function add(all: Set<string>, name: string): Ran {
  if (all.has(name))
    return bad(`The bucket or queue you tried to create already exists, and you own it. [code: 10004]`);
  all.add(name);
  return good();
}
