import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import type { Shot } from './Recorder.ts';

/** The window that is shown, in CSS pixels. */
export const windowSize = { width: 1120, height: 740 } as const;
/** Pixels of the picture per CSS pixel: it is sharp on fine screens too. */
export const density = 1.25;

const margin = 12;
const titleHeight = 52;

/** The same letters on every machine. */
export async function typeface(): Promise<string> {
  const file = createRequire(import.meta.url).resolve(
    '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  );
  const bytes = (await readFile(file)).toString('base64');
  return `@font-face { font-family: Picture; font-weight: 100 900; src: url(data:font/woff2;base64,${bytes}) }
    :root { --font: Picture, sans-serif !important }`;
}

/** Shots under their captions, framed, as one animated WebP that begins anew when it ends. */
export async function compose(
  browser: Browser,
  shots: readonly Shot[],
  captions: readonly string[],
): Promise<Buffer> {
  const context = await browser.newContext({
    viewport: {
      width: windowSize.width + 2 * margin,
      height: windowSize.height + titleHeight + margin,
    },
    deviceScaleFactor: density,
  });
  const page = await context.newPage();
  await page.setContent(`<style>${await typeface()}${style}</style><main></main>`);
  const frames: Buffer[] = [];
  for (const { step, pointer, png } of shots) {
    const html = `<header><b>${step + 1}</b><h1>${captions[step] ?? ''}</h1>
      <p>${captions.map((_, at) => `<i${at <= step ? ' class="done"' : ''}></i>`).join('')}</p></header>
      <div><img src="data:image/png;base64,${png.toString('base64')}" alt="">${pointer ? arrowAt(pointer) : ''}</div>`;
    await page.evaluate(`(async () => {
      document.querySelector('main').innerHTML = ${JSON.stringify(html)};
      await document.fonts.ready;
      await document.querySelector('img').decode();
    })()`);
    frames.push(await page.screenshot());
  }
  await context.close();
  return sharp(frames, { join: { animated: true } })
    .webp({ quality: 75, effort: 4, minSize: true, loop: 0, delay: shots.map(({ holdMs }) => holdMs) })
    .toBuffer();
}

const style = `
  * { margin: 0; box-sizing: border-box }
  body { background: #fff; color: #1f2328; font-family: var(--font) }
  main { padding: 0 ${margin}px }
  header { height: ${titleHeight}px; display: flex; align-items: center; gap: 12px }
  b { width: 30px; height: 30px; border-radius: 50%; background: #1d5bd0; color: #fff; font-size: 16px;
    display: grid; place-items: center }
  h1 { font-size: 22px; font-weight: 600; flex: 1 }
  p { display: flex; gap: 6px }
  i { width: 26px; height: 5px; border-radius: 3px; background: #d1d9e0 }
  i.done { background: #1d5bd0 }
  div { position: relative; width: ${windowSize.width}px; height: ${windowSize.height}px; border-radius: 10px;
    overflow: hidden; border: 1px solid #d1d9e0 }
  img { width: 100%; height: 100%; display: block }
  svg { position: absolute; width: 28px; height: 28px; filter: drop-shadow(0 1px 2px rgb(0 0 0 / 0.4)) }`;

const arrowAt = ({ x, y }: { readonly x: number; readonly y: number }): string =>
  `<svg style="left: ${x}px; top: ${y}px" viewBox="0 0 24 24"><path d="M3 2l7.5 19 2.6-8 8-2.6z" fill="#111" stroke="#fff" stroke-width="1.6" stroke-linejoin="round"/></svg>`;
