import { preprocessing, type Preprocessing } from '../../../../../shared/preprocessing.ts';
import { explainIssues } from '../../../../../shared/explain-issues.ts';

/** How images become inputs, as somebody fills it in. */
export interface PreprocessingForm {
  /** `none`: the arrays hold what the network reads. */
  readonly channels: 'none' | 'grey' | 'rgb';
  readonly width: string;
  readonly height: string;
  readonly resize: boolean;
  /** "0.5" or "0.485, 0.456, 0.406"; one number is for all channels. */
  readonly mean: string;
  readonly std: string;
}

export const emptyForm: PreprocessingForm = {
  channels: 'none',
  width: '',
  height: '',
  resize: true,
  mean: '0',
  std: '1',
};

/** What the form says, or what is wrong with it in a sentence. Values are pixels / 255, then `(value - mean) / std`. */
export function readForm(form: PreprocessingForm): { value: Preprocessing | null } | { wrong: string } {
  if (form.channels === 'none') return { value: null };
  const depth = form.channels === 'grey' ? 1 : 3;
  const [width, height] = [Number(form.width), Number(form.height)];
  const perChannel = (text: string): number[] => {
    const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    return numbers.length === 1 ? Array.from({ length: depth }, () => numbers[0] ?? NaN) : numbers;
  };
  const parsed = preprocessing.safeParse({
    layout: [depth, height, width],
    channels: form.channels,
    scale: 1 / 255,
    mean: perChannel(form.mean),
    std: perChannel(form.std),
    ...(form.resize && { resize: { width, height, mode: 'bilinear', fit: 'cover' } }),
  });
  return parsed.success ? { value: parsed.data } : { wrong: explainIssues(parsed.error) };
}
