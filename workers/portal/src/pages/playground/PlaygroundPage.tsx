import { useMutation, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { ApiError } from '../../../../../client/http.ts';
import { InferenceClient, type Inference } from '../../../../../client/inference.ts';
import type { RawImage } from '../../../../../shared/preprocess.ts';
import { describePreprocessing } from '../../../../../shared/preprocessing.ts';
import type { Tensor } from '../../../../../shared/tensor.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Field, Input } from '../../ui/Field.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { Page } from '../../ui/Page.tsx';
import { Answers, TimeSpent } from './Answers.tsx';
import { ImageSource } from './ImageSource.tsx';
import { imageInputOf, tensorOf, type ImageInput } from './inputSpec.ts';
import { Numbers } from './Numbers.tsx';
import { useEndpoint, useSamples, type EndpointContent } from './useEndpoint.ts';
import styles from './playground.module.css';

// Nobody needs it before there is an answer.
const Snippets = lazy(() => import('./Snippets.tsx').then((file) => ({ default: file.Snippets })));

const mostEndpoints = 200;

/** Asks a live endpoint, with whatever is at hand. The endpoint is in the address: `?endpoint=`. */
export default function PlaygroundPage() {
  const { client } = useApi();
  const [search, setSearch] = useSearchParams();
  const endpoints = useQuery({
    queryKey: ['endpoints-all'],
    queryFn: () => take(client.endpoints.list(), mostEndpoints),
  });
  const asked = search.get('endpoint');
  const name = asked ?? endpoints.data?.[0]?.name ?? null;
  const endpoint = useEndpoint(name);
  return (
    <Page title="Playground" subtitle="Every task's answer to one input, from the live endpoint.">
      <Loaded query={endpoints} lines={2}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState
              title="No endpoint serves anything yet"
              action={<ButtonLink to="/bundles">Bundles</ButtonLink>}
            >
              Publish a bundle to an endpoint, then try it here.
            </EmptyState>
          ) : (
            <div className="stack">
              <div className={styles.pick}>
                <NativeSelect
                  label="Endpoint"
                  value={name}
                  onChange={(next) => setSearch({ endpoint: next })}
                  options={[
                    // One that is asked for by its address and is not there is named all the same.
                    ...(name === null || all.some((one) => one.name === name)
                      ? []
                      : [{ value: name, label: name }]),
                    ...all.map((one) => ({
                      value: one.name,
                      label: one.name,
                      hint: Object.keys(one.tasks).join(', '),
                    })),
                  ]}
                />
              </div>
              <Loaded query={endpoint} lines={6}>
                {(content) => <Tried key={`${content.name} ${content.revision}`} endpoint={content} />}
              </Loaded>
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}

interface Asked {
  readonly tensor: Tensor<'float32'>;
  readonly truth: { readonly task: string; readonly label: string } | null;
}

function Tried({ endpoint }: { readonly endpoint: EndpointContent }) {
  const { inference: usual } = useApi();
  const [ownKey, setOwnKey] = useState('');
  const [asked, setAsked] = useState<Asked | null>(null);
  const samples = useSamples(endpoint);
  const image = useMemo(() => imageInputOf(endpoint.manifests), [endpoint]);
  const spec = endpoint.manifests[0]?.inputs[0];
  const tasks = endpoint.tasks.map(({ task }) => task);
  const infer = useMutation({
    mutationFn: async ({ tensor }: Asked): Promise<{ inference: Inference; roundTripMs: number }> => {
      const client =
        ownKey === '' ? usual : new InferenceClient({ url: location.origin, key: ownKey, attempts: 2 });
      const startedAt = performance.now();
      const inference = await client.infer(endpoint.name, { [spec?.name ?? '']: tensor }, { tasks });
      return { inference, roundTripMs: performance.now() - startedAt };
    },
  });
  const ask = (next: Asked): void => {
    setAsked(next);
    infer.mutate(next);
  };
  const clear = (): void => {
    setAsked(null);
    infer.reset();
  };
  const askImage = (input: ImageInput, raw: RawImage | null, truth: Asked['truth'] = null): void => {
    if (raw === null) clear();
    else ask({ tensor: tensorOf(raw, input), truth });
  };
  const refused =
    infer.error instanceof ApiError && (infer.error.status === 401 || infer.error.status === 403);
  return (
    <div className={styles.columns}>
      <div className="stack">
        <Card
          title="Input"
          hint={
            image === null
              ? 'Numbers: this endpoint reads no image.'
              : describePreprocessing(image.preprocessing)
          }
        >
          {image === null ? (
            <Numbers spec={spec} onNumbers={(tensor) => ask({ tensor, truth: null })} />
          ) : (
            <>
              {image.caveat !== null && <p className="muted small">{image.caveat}</p>}
              <ImageSource
                side={image.preprocessing.layout[1]}
                sheets={samples.data ?? []}
                onImage={(raw, truth) => askImage(image, raw, truth)}
              />
            </>
          )}
        </Card>
      </div>
      <div className="stack">
        {infer.error !== null && (
          <ErrorState error={infer.error} onRetry={() => asked !== null && infer.mutate(asked)} />
        )}
        {refused && (
          <Card title="A key for inference" hint="With the scope infer. It is kept in this page only.">
            <form
              className="row"
              onSubmit={(event) => {
                event.preventDefault();
                if (asked !== null) infer.mutate(asked);
              }}
            >
              <Field label="Key">
                <Input
                  type="password"
                  autoComplete="off"
                  value={ownKey}
                  onChange={(event) => setOwnKey(event.currentTarget.value)}
                />
              </Field>
            </form>
          </Card>
        )}
        <Card
          title="Answers"
          hint={asked === null ? 'Draw something, choose a file, or pick a sample.' : undefined}
        >
          <Answers
            endpoint={endpoint}
            inference={infer.data?.inference ?? null}
            truth={asked?.truth ?? null}
          />
        </Card>
        {infer.data !== undefined && asked !== null && <TimeSpent {...infer.data} />}
        {asked !== null && spec !== undefined && (
          <Suspense fallback={null}>
            <Snippets
              request={{
                url: location.origin,
                endpoint: endpoint.name,
                input: { name: spec.name, tensor: asked.tensor },
                tasks,
              }}
            />
          </Suspense>
        )}
      </div>
    </div>
  );
}
