import { setTimeout } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import type { Recorder } from './Recorder.ts';

/** What the picture tells, step by step. */
export const captions = [
  'Sign in with the key that npm start prints',
  'Bring networks and data, or take the samples',
  'Pick what to merge: what goes together is told at once',
  'Predict what sharing costs, and drag the budget',
  'Watch it merge, layer by layer',
  'Look at what came of it, and publish it',
  'Ask it: one request, every task answers',
] as const;

/** A look, a longer look, and a glance, in milliseconds. */
const lookMs = 2000;
const longMs = 3500;
const glanceMs = 700;

export interface StoryOptions {
  readonly page: Page;
  readonly recorder: Recorder;
  /** With the scopes read, write and infer. */
  readonly key: string;
  /** What the page says to do for the samples. */
  readonly bringSamples: () => Promise<void>;
}

/** Goes the whole way on an empty platform as somebody does who never saw it, and takes stills. */
export async function tellStory({ page, recorder, key, bringSamples }: StoryOptions): Promise<void> {
  const press = async (what: Locator, step: number): Promise<void> => {
    await what.scrollIntoViewIfNeeded();
    await recorder.take(step, glanceMs, what);
    await what.click();
  };
  const button = (name: string | RegExp): Locator => page.getByRole('button', { name, exact: true });
  const link = (name: string | RegExp): Locator => page.getByRole('link', { name }).first();

  await page.getByLabel('API key').fill(key);
  await recorder.take(0, lookMs, button('Sign in'));
  await button('Sign in').click();

  await page.getByText('Take the sample networks').waitFor();
  await recorder.take(1, longMs);
  await bringSamples();
  // The page looks by itself.
  await page.getByText('2 of at least 2 networks, 2 data sets').waitFor();
  await press(link(/^Merge$/), 1);

  const choose = async (label: string, nth: number, option: RegExp): Promise<void> => {
    await page.getByRole('combobox', { name: label }).nth(nth).click();
    await page.getByRole('option', { name: option }).first().click();
  };
  await choose('Network', 0, /^digit@/);
  await page.getByRole('combobox', { name: 'Network' }).nth(1).click();
  await recorder.take(2, lookMs, page.getByRole('option', { name: /^fashion@/ }).first());
  await page
    .getByRole('option', { name: /^fashion@/ })
    .first()
    .click();
  await page.getByText('All networks read').waitFor();
  await page.getByText('has not been read by a runner yet').first().waitFor({ state: 'detached' });
  await recorder.take(2, lookMs);

  const predict = button('Predict the curve');
  await press(predict, 3);
  const budget = page.getByRole('slider', { name: 'Budget' });
  await budget.waitFor();
  await toTop(page.getByRole('figure', { name: 'Predicted loss against size' }).first());
  await budget.focus();
  await recorder.take(3, lookMs);
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowLeft']) {
    await budget.press(key);
    await recorder.take(3, glanceMs);
  }
  await recorder.take(3, lookMs);

  const quick = page.getByRole('radio', { name: /^Quick look/ });
  await toTop(page.getByRole('heading', { name: 'Retraining' }));
  await quick.check();
  await recorder.take(4, lookMs, quick);
  await press(button('Start the merge'), 4);
  await page.getByRole('heading', { name: 'Progress' }).waitFor();
  await recorder.take(4, lookMs);
  for (const percent of [10, 30, 50, 70, 90]) {
    await reached(page, percent);
    await recorder.take(4, lookMs / 2);
  }
  const open = link('Open the bundle');
  await open.waitFor();
  await recorder.take(4, lookMs, open);
  await open.click();

  await page.getByRole('tab', { name: 'Accuracy' }).waitFor();
  await recorder.take(5, longMs);
  await page.getByRole('tab', { name: 'What is shared' }).click();
  const drawing = page.getByRole('heading', { name: 'Trunk and heads' });
  await drawing.waitFor();
  await toTop(drawing);
  await recorder.take(5, lookMs);
  await button('Publish').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Endpoint').fill('both');
  const publish = dialog.getByRole('button', { name: 'Publish' });
  await recorder.take(5, lookMs, publish);
  await publish.click();
  await page.getByText('Endpoint both serves').first().waitFor();
  await press(link('Try it'), 5);
  // The message goes by itself; it would hide the answers.
  await button('Dismiss').waitFor({ state: 'detached' });

  await page.getByRole('tab', { name: 'Draw' }).waitFor();
  await draw(page, recorder);
}

/** How long anything may take on a busy machine. */
export const patienceMs = 600_000;

/** Waits until the job is so far. */
async function reached(page: Page, percent: number): Promise<void> {
  const bar = page.getByRole('progressbar').first();
  const end = Date.now() + patienceMs;
  while (Number(await bar.getAttribute('aria-valuenow')) < percent) {
    if (Date.now() > end) throw new Error(`The merge did not reach ${percent} % in ${patienceMs / 1000} s`);
    await setTimeout(100);
  }
}

/** What is used of an element of the page: the types of the browser are not those of this program. */
interface Scrolled {
  readonly style: { scrollMarginTop: string };
  scrollIntoView(options: { block: 'start' }): void;
}

/** Scrolls so that something is near the window's upper edge. */
const toTop = (what: Locator): Promise<void> =>
  what.evaluate((element: Scrolled) => {
    element.style.scrollMarginTop = '24px';
    element.scrollIntoView({ block: 'start' });
  });

/** A seven, from its upper left: places on the pad, as shares of its sides. */
const seven = [
  [0.26, 0.24],
  [0.74, 0.24],
  [0.44, 0.82],
] as const;

async function draw(page: Page, recorder: Recorder): Promise<void> {
  const pad = page.getByRole('img', { name: /Drawing pad/ });
  const box = await pad.boundingBox();
  if (!box) throw new Error('There is no pad to draw on');
  const place = ([x, y]: readonly [number, number]): [number, number] => [
    box.x + x * box.width,
    box.y + y * box.height,
  ];
  const [first, ...more] = seven;
  await page.mouse.move(...place(first));
  await page.mouse.down();
  for (const corner of more) {
    await page.mouse.move(...place(corner), { steps: 12 });
    await recorder.take(6, glanceMs);
  }
  await page.mouse.up();
  await page.getByRole('region', { name: 'Answer of digit' }).getByText(/%/).first().waitFor();
  await page.mouse.move(0, 0);
  await recorder.take(6, longMs);
  await toTop(page.getByRole('heading', { name: 'Answers' }));
  await recorder.take(6, longMs);
}
