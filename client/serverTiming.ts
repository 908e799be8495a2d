/** One entry of a Server-Timing header. */
export interface Timing {
  readonly name: string;
  /** Milliseconds; 0 where the entry says none. */
  readonly ms: number;
  /** Empty where the entry says none. */
  readonly description: string;
}

/** `load;dur=93;desc="trunk digit", trunk;dur=1, head-digit;dur=0` taken apart. What is no entry is left out. */
export function readServerTiming(header: string | null): Timing[] {
  // Commas in quoted descriptions end nothing.
  return (header?.match(/(?:[^,"]|"[^"]*")+/g) ?? []).flatMap((entry) => {
    const [name = '', ...parameters] = (entry.match(/(?:[^;"]|"[^"]*")+/g) ?? []).map((part) => part.trim());
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [];
    const value = (key: string): string | undefined =>
      parameters.find((one) => one.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
    const ms = Number(value('dur') ?? 0);
    return [
      { name, ms: Number.isFinite(ms) ? ms : 0, description: (value('desc') ?? '').replace(/^"|"$/g, '') },
    ];
  });
}
