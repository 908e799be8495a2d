import { createHash } from 'node:crypto';
import { parse, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../../gpu-runner/bundle/report/renderReport.ts';
import { checkReport, reportFiles } from '../../../../gpu-runner/bundle/report/reportFiles.ts';
import { report as reportSchema, type ReportInput } from '../../../../shared/report.ts';
import { bare, full } from './reports.ts';

type Element = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.Node;

const render = (report: ReportInput): string => renderReport(checkReport(report));

interface Page {
  readonly elements: Element[];
  readonly text: string;
  readonly errors: string[];
}

/** The page as a browser reads it. */
function read(html: string): Page {
  const errors: string[] = [];
  const elements: Element[] = [];
  const texts: string[] = [];
  const visit = (node: Node): void => {
    if ('tagName' in node) elements.push(node);
    if (node.nodeName === '#text' && 'value' in node) texts.push(node.value);
    if ('childNodes' in node) node.childNodes.forEach(visit);
  };
  visit(parse(html, { onParseError: ({ code }) => errors.push(code) }));
  return { elements, text: texts.join(' ').replaceAll(/\s+/g, ' '), errors };
}

const attribute = ({ attrs }: Element, name: string): string | undefined =>
  attrs.find((one) => one.name === name)?.value;
const named = ({ elements }: Page, tag: string): Element[] =>
  elements.filter(({ tagName }) => tagName === tag);

const page = read(render(full));

describe('renderReport()', () => {
  it('writes HTML without an error, of a full report and of a bare one', () => {
    expect(page.errors).toEqual([]);
    expect(read(render(bare)).errors).toEqual([]);
  });

  it('asks for nothing outside itself, and forbids it', () => {
    const policy = named(page, 'meta').find(
      (meta) => attribute(meta, 'http-equiv') === 'Content-Security-Policy',
    );
    const [style] = named(page, 'style');
    const content = style?.childNodes[0];
    const css = content && 'value' in content ? content.value : '';
    const digest = createHash('sha256').update(css).digest('base64');
    expect(policy && attribute(policy, 'content')).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    );
    expect(css).not.toMatch(/url\(|@import/);
    for (const { attrs } of page.elements) {
      for (const { name } of attrs) expect(name).not.toMatch(/^(style|src|href|srcset|on.*)$/);
    }
    for (const tag of ['script', 'link', 'img', 'iframe', 'object', 'form', 'foreignObject'])
      expect(named(page, tag)).toEqual([]);
  });

  it('escapes everything that strangers may have named', () => {
    const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;`;
    const spoiled = JSON.parse(
      JSON.stringify(full, (key, value: unknown) => {
        const isFree = ['labels', 'layers', 'notes', 'versions'].includes(key);
        if (isFree && Array.isArray(value)) return value.map(() => evil);
        if (isFree) return { [evil]: evil };
        const texts = [
          'name',
          'dataset',
          'message',
          'label',
          'stage',
          'what',
          'reason',
          'part',
          'layer',
          'machine',
          'method',
          'wiring',
        ];
        return typeof value === 'string' && texts.includes(key) ? evil : value;
      }),
    ) as ReportInput;
    const wide = read(render({ ...spoiled, recipe: { [evil]: evil } }));
    expect(wide.errors).toEqual([]);
    expect(named(wide, 'script')).toEqual([]);
    expect(named(wide, 'img')).toEqual([]);
    expect(
      wide.elements
        .flatMap(({ attrs }) => attrs.map(({ name }) => name))
        .filter((name) => name.startsWith('on')),
    ).toEqual([]);
    // Nothing was lost or changed on the way: the title, a label, a layer, the recipe.
    expect(wide.text).toContain(`${evil}: Trunkline report`);
    expect(wide.text).toContain(`${evil} answered as ${evil}: 97`);
    expect(wide.elements.some((one) => attribute(one, 'title') === `${evil}, ${evil}`)).toBe(true);
    expect(wide.text).toContain(JSON.stringify({ [evil]: evil }, null, 2).replaceAll(/\s+/g, ' '));
  });

  it('says why there is no confusion of a task, where a merge could have one', () => {
    const merge = (more: object) => read(render({ ...bare, ...more })).text;
    const accuracy = { before: 0.9, after: 0.9, samples: 10 };
    const retraining = { iterations: 1 };
    expect(merge({ retraining })).toContain('digit is not counted: no samples are held out.');
    expect(merge({ retraining, tasks: [{ task: 'digit', accuracy }] })).toContain(
      'digit is not counted: it has more than 256 classes, too many to look at.',
    );
    const agreement = { share: 0.9, samples: 10 };
    expect(merge({ retraining, tasks: [{ task: 'digit', agreement }] })).toContain(
      'digit is not counted: its samples have no labels.',
    );
    expect(merge({})).not.toContain('not counted');
    expect(page.text).toContain('fashion is not counted');
  });

  it('says of one network that it is as it was where its figures tell so, and only there', () => {
    expect(read(render(bare)).text).toContain('A network for digit. ');
    const parameters = { separate: 5, zipped: 5 };
    expect(read(render({ ...bare, figures: { parameters } })).text).toContain(
      'A network for digit, as it was trained.',
    );
    const fewer = { parameters: { separate: 5, zipped: 4 } };
    const recipe = { wiring: 'one-way' };
    for (const more of [{ figures: fewer }, { figures: { parameters }, recipe }])
      expect(read(render({ ...bare, ...more })).text).toContain('Against the separate networks');
  });

  it('has no column of what nobody knows of the networks', () => {
    const source = { name: 'digit-net' };
    const tasks = [{ task: 'digit', source, samples: { train: 1200, validation: 300 } }];
    const { text } = read(render({ ...bare, tasks }));
    expect(text).toContain('Task Network Samples Held out SHA-256');
    expect(text).toContain('1,200 300');
    expect(page.text).toContain('Task Network Trained on Steps SHA-256');
  });

  it('tells what each drawing shows, under ids that occur once', () => {
    const drawings = named(page, 'svg');
    expect(drawings.map((one) => attribute(one, 'aria-labelledby')?.split('-title')[0])).toEqual([
      'accuracy',
      'network',
      'sharing',
      'tradeoff',
      'losses',
      'validation',
      'confusion-0-before',
      'confusion-0-after',
    ]);
    const ids = page.elements.flatMap((one) => attribute(one, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const texts = new Map(
      page.elements.map((one) => {
        const [child] = one.childNodes;
        return [attribute(one, 'id'), child && 'value' in child ? child.value : ''];
      }),
    );
    for (const one of drawings) {
      expect(attribute(one, 'role')).toBe('img');
      for (const id of (attribute(one, 'aria-labelledby') ?? '').split(' '))
        expect(texts.get(id)?.length, id).toBeGreaterThan(10);
    }
  });

  it('draws every block as wide as its channels', () => {
    const widths = (style: string): number[] =>
      named(page, 'rect')
        .filter((one) => attribute(one, 'class') === `fill ${style}` && attribute(one, 'rx') === undefined)
        .map((one) => Number(attribute(one, 'width')))
        .filter((width) => width !== 9);
    // In the network and in the bars: 6 shared, 2 of digit and 4 of fashion; the bars show the 6 saved too.
    const [shared, digit, fashion] = [widths('shared'), widths('t0'), widths('t1')] as const;
    for (const drawing of [0, 1]) {
      expect((shared[drawing] ?? 0) / (digit[drawing] ?? 0)).toBeCloseTo(3, 1);
      expect((fashion[drawing] ?? 0) / (digit[drawing] ?? 0)).toBeCloseTo(2, 1);
    }
    expect(widths('saved')[0]).toBeCloseTo(shared[1] ?? 0, 1);
  });

  it('writes the numbers beside the drawings', () => {
    for (const said of [
      'One network for digit and fashion; 62.5 % of the bytes of separate ones; accuracy: digit \u22121.00 points, fashion +1.00 points.',
      '99.00 % [96.43, 99.73]',
      '\u00d7 0.625',
      '4.00 kB \u2192 2.50 kB',
      'conv1 shares 6 channels in place of 8',
      'Floors: digit 97.50 %.',
      'zero one 1 3',
      '700 B in place of 2.50 kB (\u00d7 0.280).',
      'classifier digit it costs too much',
      'recurrent weights stay their own',
      'Made on two cores in 2 min. node 22.23.3',
    ])
      expect(page.text).toContain(said);
  });

  it('draws loss against what the plan saved, and speaks of measuring only where something was', () => {
    expect(page.text).toContain('Loss against bytes');
    expect(page.text).toContain('Beside it stands what was measured on held-out samples');
    expect(page.text).toContain('loss: line predicted, dots measured');
    const work = structuredClone(full);
    work.tradeoff = {
      of: 'macs',
      predicted: [
        { bytes: 900, macs: 2_000_000, loss: 0.5 },
        { bytes: 800, macs: 4_000_000, loss: 0 },
      ],
      budgetMacs: 3_000_000,
      chosen: { bytes: 900, macs: 2_000_000, loss: 0.5 },
    };
    const { text } = read(render(work));
    expect(text).toContain('Loss against multiply-adds');
    expect(text).toContain('Chosen: 2.00 M at a loss of 0.5. The budget is 3.00 M.');
    expect(text).not.toContain('Loss against bytes');
    expect(text).not.toContain('measured on held-out');
    expect(text).not.toContain('dots measured');
  });

  it('draws marks inside the drawing only, with finite places, whatever was measured', () => {
    const odd = structuredClone(full);
    odd.retraining = {
      iterations: 3,
      // A loss that ran away, one point only, level lines.
      history: [
        { step: 1, losses: { digit: 1e9, fashion: 1 } },
        { step: 2, losses: { digit: 1e-9, fashion: 1 } },
      ],
      validation: [{ step: 2, accuracy: { digit: 0.5, fashion: 0.5 } }],
    };
    odd.tradeoff = { predicted: [{ bytes: 10, loss: 0 }] };
    for (const one of odd.plan ?? []) one.blocks.push({ tasks: ['digit', 'fashion'], channels: 0 });
    const { elements, errors } = read(render(odd));
    expect(errors).toEqual([]);
    const numbers = elements.flatMap(({ attrs }) =>
      attrs
        .filter(({ name }) => /^(x|y|cx|cy|x1|x2|y1|y2|width|height|d|viewBox)$/.test(name))
        .map(({ value }) => value),
    );
    expect(numbers.length).toBeGreaterThan(100);
    for (const value of numbers) expect(value).not.toMatch(/NaN|Infinity|undefined/);
    for (const one of elements.filter(({ tagName }) => tagName === 'rect'))
      expect(Number(attribute(one, 'width'))).toBeGreaterThanOrEqual(0);
  });

  it('stays small: a long history is thinned, a large matrix has no empty cells', () => {
    const long = structuredClone(full);
    const counts = Array.from({ length: 100 }, (_, row) =>
      Array.from({ length: 100 }, (_, column) => (row === column ? 10 : 0)),
    );
    long.tasks = long.tasks.map((task) => ({
      ...task,
      labels: [],
      confusion: { before: counts, after: counts },
    }));
    if (long.retraining)
      long.retraining.history = Array.from({ length: 50_000 }, (_, step) => ({
        step,
        losses: { digit: 1 + Math.sin(step), fashion: 2 },
      }));
    expect(render(long).length).toBeLessThan(150_000);
  });

  it('is the same page for the same report', () => {
    expect(render(full)).toBe(render(structuredClone(full)));
  });
});

describe('reportFiles()', () => {
  it('are the page and the same as data', () => {
    const { paths, files } = reportFiles({ ...full, environment: undefined });
    expect([...files.keys()]).toEqual([paths.json, paths.html]);
    const text = (path: string): string => new TextDecoder().decode(files.get(path));
    expect(reportSchema.parse(JSON.parse(text(paths.json)))).toEqual(
      checkReport(Object.fromEntries(Object.entries(full).filter(([key]) => key !== 'environment'))),
    );
    expect(text(paths.html)).toContain('<!doctype html>');
  });

  it('refuses a report that is not one, naming the place', () => {
    expect(() => reportFiles({ ...full, tasks: [] })).toThrow(
      /^Cannot write report: it is not valid: tasks: /,
    );
  });
});
