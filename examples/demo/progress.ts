/** Says what is going on: one line that is rewritten on a terminal, a line now and then elsewhere. */
export class Progress {
  private readonly started = performance.now();
  private lastPrint = 0;
  private open = false;

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** A step begins. */
  step(text: string): void {
    this.close();
    console.log(`[${this.seconds.toFixed(0).padStart(3)} s] ${text}`);
    this.lastPrint = performance.now();
  }

  /** A step within a step. */
  note(text: string): void {
    this.close();
    console.log(`        ${text}`);
    this.lastPrint = performance.now();
  }

  /** Something within a step moved on. */
  update(text: string): void {
    const terminal = process.stdout.isTTY;
    const now = performance.now();
    if (now - this.lastPrint < (terminal ? 100 : 5000)) return;
    this.lastPrint = now;
    if (terminal) {
      process.stdout.write(`\r\x1b[K        ${text}`);
      this.open = true;
    } else {
      console.log(`        ${text}`);
    }
  }

  private close(): void {
    if (this.open) process.stdout.write('\r\x1b[K');
    this.open = false;
  }
}
