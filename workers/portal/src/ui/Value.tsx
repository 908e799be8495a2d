import { useEffect, useState } from 'react';
import {
  formatBytes,
  formatCount,
  formatExact,
  formatPercent,
  formatTime,
  formatUtc,
  shortDigest,
} from './format.ts';

/** Local and relative; UTC on hover and for programs. */
export function Time({ at }: { readonly at: string }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={formatUtc(at)}>
      {formatTime(at)}
    </time>
  );
}

export const Bytes = ({ value }: { readonly value: number }) => (
  <span title={`${formatExact(value)} bytes`}>{formatBytes(value)}</span>
);

export const Count = ({ value }: { readonly value: number }) => (
  <span title={formatExact(value)}>{formatCount(value)}</span>
);

export const Percent = ({ value, decimals = 2 }: { readonly value: number; readonly decimals?: number }) => (
  <span>{formatPercent(value, decimals)}</span>
);

export const Digest = ({ value }: { readonly value: string }) => (
  <code title={value}>{shortDigest(value)}</code>
);
