import type { Locator, Page } from 'playwright-core';

/** One still of the page. */
export interface Shot {
  /** Place of its caption in the story, from 0. */
  readonly step: number;
  readonly holdMs: number;
  readonly png: Buffer;
  /** Where the pointer is, in CSS pixels of the page; null: nowhere. */
  readonly pointer: { readonly x: number; readonly y: number } | null;
}

/** Keeps what a page looks like while it is driven. */
export class Recorder {
  readonly shots: Shot[] = [];
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** @param at what the pointer is on, if it is to be seen */
  async take(step: number, holdMs: number, at?: Locator): Promise<void> {
    const box = await at?.boundingBox();
    const pointer = box ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : null;
    const png = await this.#page.screenshot({ caret: 'initial' });
    this.shots.push({ step, holdMs, png, pointer });
  }
}
