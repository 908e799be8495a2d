import type { Manifest, TensorSpec } from '../../../../../shared/manifest.ts';
import { preprocess, type RawImage } from '../../../../../shared/preprocess.ts';
import { pixelsTo1, type Preprocessing } from '../../../../../shared/preprocessing.ts';
import type { Tensor } from '../../../../../shared/tensor.ts';

/** How an endpoint's input is made of an image. */
export interface ImageInput {
  readonly spec: TensorSpec;
  readonly preprocessing: Preprocessing;
  /** What a person should know about it; null: the bundle says it all. */
  readonly caveat: string | null;
}

/**
 * The image that an endpoint reads, by the manifests of its bundles; null when it reads no image, or more than one tensor.
 */
export function imageInputOf(
  manifests: readonly Pick<Manifest, 'inputs' | 'preprocessing'>[],
): ImageInput | null {
  const [first] = manifests;
  const [spec, ...more] = first?.inputs ?? [];
  if (first === undefined || spec === undefined || more.length > 0 || spec.dtype !== 'float32') return null;
  const declared = manifests.map(({ preprocessing }) => preprocessing);
  const structured = declared.find((one) => typeof one !== 'string');
  if (structured !== undefined) {
    const differs = declared.some((one) => JSON.stringify(one) !== JSON.stringify(structured));
    return {
      spec,
      preprocessing: structured,
      caveat: differs
        ? 'The tasks of this endpoint make their inputs differently: all get what the first one reads.'
        : null,
    };
  }
  const [, channels, height = 0, width = 0] = spec.dims;
  if (spec.dims.length !== 4 || (channels !== 1 && channels !== 3) || height < 1 || width < 1) return null;
  const [words = ''] = declared.filter((one) => typeof one === 'string');
  return {
    spec,
    preprocessing: pixelsTo1([channels, height, width]),
    caveat: `The bundle says in words how inputs are made ("${words}"): this page sends pixels / 255.`,
  };
}

/** One image as the tensor that is sent. Where nothing says how to resize, it is fitted to what the network reads. */
export function tensorOf(image: RawImage, { preprocessing }: ImageInput): Tensor<'float32'> {
  const [depth, height, width] = preprocessing.layout;
  const fits = image.width === width && image.height === height;
  const resize =
    preprocessing.resize ??
    (fits ? undefined : { width, height, mode: 'bilinear' as const, fit: 'cover' as const });
  const made = preprocess(image, { ...preprocessing, ...(resize && { resize }) });
  return { dtype: 'float32', dims: [1, depth, height, width], data: made };
}

/** The image with light and dark changed over: ink on paper becomes light on dark. Transparency stays. */
export function inverted(image: RawImage<Uint8Array>): RawImage<Uint8Array> {
  const { channels, axes, data } = image;
  const hasAlpha = channels === 2 || channels === 4;
  const area = data.length / channels;
  const isAlpha = (at: number): boolean =>
    hasAlpha && (axes === 'HWC' ? at % channels === channels - 1 : at >= area * (channels - 1));
  return { ...image, data: data.map((value, at) => (isAlpha(at) ? value : 255 - value)) };
}
