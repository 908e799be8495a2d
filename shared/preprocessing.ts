import { z } from 'zod';

/**
 * How one raw image becomes one input of a network, declared once and carried by data sets and bundles. In this order:
 * channels made grey or RGB, resized, the middle cut out to `layout`, then per channel
 * `(value * scale - mean) / std` as float32 [C, H, W].
 */
export const preprocessing = z
  .strictObject({
    /** What the network reads, without the batch: [channels, height, width]. */
    layout: z.tuple([z.union([z.literal(1), z.literal(3)]), side(), side()]),
    /** Grey from RGB is luma (ITU-R BT.601); RGB from grey repeats it. Transparency is dropped. */
    channels: z.enum(['grey', 'rgb']),
    /** Absent: images must have the size of `layout` already. */
    resize: z
      .strictObject({
        width: side(),
        height: side(),
        /** `bilinear` averages over the covered area when it shrinks (antialiased). */
        mode: z.enum(['nearest', 'bilinear']),
        /** `stretch` changes proportions; `cover` keeps them and cuts off what sticks out, evenly on both sides. */
        fit: z.enum(['stretch', 'cover']).default('stretch'),
      })
      .optional(),
    /** Factor of the raw values, before `mean` and `std`: 1 / 255 for bytes to 0..1. */
    scale: z.number().refine((value) => value !== 0, 'must not be 0'),
    /** One a channel, in scaled units. */
    mean: z.array(z.number()),
    std: z.array(z.number().positive()),
  })
  .check(({ value, issues }) => {
    for (const message of contradictions(value)) issues.push({ code: 'custom', message, input: value });
  });
export type Preprocessing = z.infer<typeof preprocessing>;

function side(): z.ZodInt {
  return z.int().min(1).max(4096);
}

function contradictions({ layout, channels, resize, mean, std }: Preprocessing): string[] {
  const complaints: string[] = [];
  const [depth, height, width] = layout;
  if ((channels === 'grey') !== (depth === 1))
    complaints.push(`channels "${channels}" do not fit layout [${layout.join()}]`);
  for (const [field, values] of Object.entries({ mean, std })) {
    if (values.length !== depth)
      complaints.push(`${field} has ${values.length} values for ${depth} channels`);
  }
  if (resize && (resize.width < width || resize.height < height))
    complaints.push(
      `images resized to ${resize.width} x ${resize.height} are smaller than ${width} x ${height}`,
    );
  return complaints;
}

/** Pixels / 255 and nothing else, for images that have the size already. */
export const pixelsTo1 = (layout: Preprocessing['layout']): Preprocessing => ({
  layout,
  channels: layout[0] === 1 ? 'grey' : 'rgb',
  scale: 1 / 255,
  mean: layout[0] === 1 ? [0] : [0, 0, 0],
  std: layout[0] === 1 ? [1] : [1, 1, 1],
});

/** For people: `RGB images resized to 32 x 32 (bilinear), pixels / 255, - [0.5, 0.5, 0.5], / [0.2, 0.2, 0.2], float32 [N, 3, 32, 32]`. */
export function describePreprocessing({ layout, channels, resize, scale, mean, std }: Preprocessing): string {
  const [depth, height, width] = layout;
  const images = channels === 'grey' ? 'grey images' : 'RGB images';
  const steps = [images];
  if (resize) {
    const kept = resize.fit === 'cover' ? ', keeping proportions' : '';
    steps[0] = `${images} resized to ${resize.width} x ${resize.height} (${resize.mode}${kept})`;
    if (resize.width !== width || resize.height !== height) steps.push(`middle ${width} x ${height}`);
  }
  const divisor = 1 / scale;
  const whole = Math.round(divisor);
  if (scale === 1) steps.push('pixels');
  else steps.push(Math.abs(divisor - whole) < 1e-9 * whole ? `pixels / ${whole}` : `pixels * ${scale}`);
  if (mean.some((value) => value !== 0)) steps.push(`- [${mean.join(', ')}]`);
  if (std.some((value) => value !== 1)) steps.push(`/ [${std.join(', ')}]`);
  steps.push(`float32 [N, ${depth}, ${height}, ${width}]`);
  return steps.join(', ');
}
