/** What comes for a while and goes. */
export interface Message {
  readonly title: string;
  readonly description?: string;
  readonly isError?: boolean;
  /** Takes back what was done, and says itself how that went. */
  readonly undo?: () => void;
}
