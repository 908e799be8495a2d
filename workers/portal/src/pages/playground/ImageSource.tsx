import { useState } from 'react';
import type { RawImage } from '../../../../../shared/preprocess.ts';
import { DropZone } from '../../ui/DropZone.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Check } from '../../ui/Field.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { DrawPad } from './DrawPad.tsx';
import { readImage } from './images.ts';
import { inverted } from './inputSpec.ts';
import { Samples } from './Samples.tsx';
import type { SampleSheet } from './useEndpoint.ts';

type Truth = { readonly task: string; readonly label: string } | null;

/** Three ways to an image: draw it, bring it, pick it. */
export function ImageSource({
  side,
  sheets,
  onImage,
}: {
  readonly side: number;
  readonly sheets: readonly SampleSheet[];
  readonly onImage: (image: RawImage | null, truth?: Truth) => void;
}) {
  const [invert, setInvert] = useState(false);
  const [file, setFile] = useState<RawImage<Uint8Array> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const show = (image: RawImage<Uint8Array>, isInverted: boolean): void =>
    onImage(isInverted ? inverted(image) : image);
  const take = async (blob: Blob): Promise<void> => {
    setError(null);
    try {
      const image = await readImage(blob);
      setFile(image);
      show(image, invert);
    } catch (reason) {
      setError(reason);
    }
  };
  return (
    <Tabs
      label="Where the image comes from"
      param="input"
      tabs={[
        { id: 'draw', label: 'Draw', content: <DrawPad side={side} onDrawn={(image) => onImage(image)} /> },
        {
          id: 'file',
          label: 'File or photo',
          content: (
            <div className="stack">
              <DropZone
                title="Drop an image"
                hint="Or take a photograph on a phone. It goes to the endpoint only."
                accept="image/*"
                multiple={false}
                onFiles={([first]) => first !== undefined && void take(first.file)}
              />
              <Check
                label="Change light and dark"
                hint="For ink on paper, where the network knows light on dark"
                checked={invert}
                onChange={(on) => {
                  setInvert(on);
                  if (file !== null) show(file, on);
                }}
              />
              {error !== null && <ErrorState error={error} compact />}
            </div>
          ),
        },
        ...(sheets.length > 0
          ? [
              {
                id: 'samples',
                label: 'Samples',
                content: (
                  <Samples
                    sheets={sheets}
                    onPick={({ image, task, label }) => onImage(image, { task, label })}
                  />
                ),
              },
            ]
          : []),
      ]}
    />
  );
}
