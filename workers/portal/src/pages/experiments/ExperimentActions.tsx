import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ExperimentView } from '../../../../../shared/experiment-api.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Field, Input } from '../../ui/Field.tsx';
import { NativeSelect } from '../../ui/NativeSelect.tsx';
import { notify, notifyError } from '../../ui/Toast.tsx';
import { movesOf } from './experimentView.ts';

/** What can be done with an experiment now. What cannot be taken back asks for a reason. */
export function ExperimentActions({
  experiment,
  onChanged,
}: {
  readonly experiment: ExperimentView;
  readonly onChanged: () => Promise<void>;
}) {
  const { client } = useApi();
  const { experiment: name, version, state, arms, defaultArm, endpoint } = experiment;
  const can = movesOf(state);
  const [reason, setReason] = useState('');
  const [arm, setArm] = useState(arms.find((one) => one.name !== defaultArm)?.name ?? defaultArm);
  const why = (usual: string): string => (reason.trim() === '' ? usual : reason.trim());
  const start = useMutation({
    mutationFn: () => client.experiments.start(name, version),
    onSuccess: onChanged,
    onError: notifyError,
  });
  const pause = useMutation({
    mutationFn: () => client.experiments.pause(name, version),
    onSuccess: async (paused) => {
      await onChanged();
      notify('Paused: everybody gets what the endpoint served before', {
        undo: async () => {
          await client.experiments.start(name, paused.version);
          await onChanged();
        },
      });
    },
    onError: notifyError,
  });
  const look = useMutation({
    mutationFn: () => client.experiments.evaluate(name),
    onSuccess: async ({ reason: told }) => {
      await onChanged();
      notify('The rule looked', { description: told });
    },
    onError: notifyError,
  });
  const reasonField = (
    <Field label="Reason" hint="Kept with the decision">
      <Input value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </Field>
  );
  return (
    <>
      {state === 'running' && (
        <Button busy={look.isPending} onClick={() => look.mutate()}>
          Look now
        </Button>
      )}
      {can.pause && (
        <Button busy={pause.isPending} onClick={() => pause.mutate()}>
          Pause
        </Button>
      )}
      {can.start && (
        <Button kind="primary" busy={start.isPending} onClick={() => start.mutate()}>
          {state === 'draft' ? 'Start' : 'Go on'}
        </Button>
      )}
      {can.rollBack && (
        <Confirm
          trigger={<Button>Roll back</Button>}
          title={`Roll back to ${defaultArm}?`}
          description={
            <div className="stack">
              <p>
                Endpoint {endpoint} serves {defaultArm} again, and the experiment is over: its numbers stay,
                it never runs again.
              </p>
              {reasonField}
            </div>
          }
          action="Roll back"
          onConfirm={async () => {
            await client.experiments.rollBack(name, why('Rolled back by hand.'), version);
            await onChanged();
          }}
        />
      )}
      {can.decide && (
        <Confirm
          trigger={<Button kind="primary">Decide</Button>}
          title="Which arm shall the endpoint serve?"
          description={
            <div className="stack">
              <p>
                Endpoint {endpoint} serves it to everybody from now on, and the experiment is over. The
                endpoint itself can be rolled back later.
              </p>
              <NativeSelect
                label="Arm"
                value={arm}
                onChange={setArm}
                options={arms.map((one) => ({
                  value: one.name,
                  label: one.name,
                  ...(one.name === defaultArm && { hint: 'what it is compared with' }),
                }))}
              />
              {reasonField}
            </div>
          }
          action="Decide"
          danger={false}
          onConfirm={async () => {
            await client.experiments.decide(name, arm, why('Decided by hand.'), version);
            await onChanged();
          }}
        />
      )}
      {can.archive && (
        <Confirm
          trigger={<Button>Archive</Button>}
          title="Archive this experiment?"
          description="It stays readable and is left out of what runs. It cannot be taken out of the archive."
          action="Archive"
          onConfirm={async () => {
            await client.experiments.archive(name, version);
            await onChanged();
          }}
        />
      )}
    </>
  );
}
