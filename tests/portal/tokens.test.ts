import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const css = readFileSync(join(import.meta.dirname, '../../workers/portal/src/styles/tokens.css'), 'utf8');

type Colours = ReadonlyMap<string, string>;
const themes: Readonly<Record<'light' | 'dark', Colours>> = {
  light: new Map(pairs().map(([name, light]) => [name, light])),
  dark: new Map(pairs().map(([name, , dark]) => [name, dark])),
};

function pairs(): [string, string, string][] {
  return [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, light, dark],
  );
}

/** WCAG 2.2: relative luminance of an sRGB colour. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(colours: Colours, a: string, b: string): number {
  const [one, other] = [a, b].map((name) => luminance(colours.get(name) ?? '')).toSorted((x, y) => y - x);
  return ((one ?? 0) + 0.05) / ((other ?? 0) + 0.05);
}

const surfaces = ['bg', 'surface', 'surface-2'];
const text: [string, string][] = [
  ...['text', 'text-2', 'text-3'].flatMap((name) => surfaces.map((on): [string, string] => [name, on])),
  ...['accent', 'good', 'warn', 'bad'].flatMap((name) =>
    ['bg', 'surface'].map((on): [string, string] => [name, on]),
  ),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-strong'],
  ['on-bad', 'bad'],
  ['accent-strong', 'accent-weak'],
  ['good', 'good-weak'],
  ['warn', 'warn-weak'],
  ['bad', 'bad-weak'],
  ['text', 'accent-weak'],
];
const shapes: [string, string][] = [
  ...Array.from({ length: 8 }, (_, at): [string, string] => [`task-${at + 1}`, 'surface']),
  ['shared', 'surface'],
  ['border-strong', 'surface'],
  ['accent', 'surface-3'],
];

describe.each(Object.entries(themes))('colours of the %s theme', (_, colours) => {
  it.each(text)('%s on %s is readable: 4.5 to 1', (ink, paper) => {
    expect(contrast(colours, ink, paper)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(shapes)('%s on %s can be told apart: 3 to 1', (ink, paper) => {
    expect(contrast(colours, ink, paper)).toBeGreaterThanOrEqual(3);
  });
});

it('black on white is 21 to 1, as WCAG says', () => {
  const plain: Colours = new Map([
    ['black', '#000000'],
    ['white', '#ffffff'],
  ]);
  expect(contrast(plain, 'black', 'white')).toBeCloseTo(21, 5);
});
