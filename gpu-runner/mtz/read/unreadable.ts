/** A node cannot be one of the steps that are zipped; the message says why, as "<operator> "<name>": <reason>" goes on. */
export class Unreadable extends Error {}
