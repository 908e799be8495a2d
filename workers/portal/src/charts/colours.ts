/** Task colours are tokens, in the order in which tasks are listed; after eight they come again. */
export const taskColour = (index: number): string => `var(--task-${(Math.max(index, 0) % 8) + 1})`;

/** What several tasks share. */
export const sharedColour = 'var(--shared)';
