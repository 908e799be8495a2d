import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { name as nameSchema } from '../../../../../shared/manifest.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { take } from '../../api/usePaged.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ErrorState } from '../../ui/ErrorState.tsx';
import { Check, Field, Input } from '../../ui/Field.tsx';
import { notify } from '../../ui/Toast.tsx';
import { publish } from './publish.ts';
import type { BundleContent } from './useBundle.ts';

const mostEndpoints = 200;

/** Has an endpoint answer tasks from this bundle, from now on. */
export function PublishButton({ content }: { readonly content: BundleContent }) {
  const { client } = useApi();
  const queries = useQueryClient();
  const tasks = content.manifest.heads.map(({ task }) => task);
  const [open, setOpen] = useState(false);
  const [endpoint, setEndpoint] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>(tasks);
  const endpoints = useQuery({
    queryKey: ['endpoints-all'],
    queryFn: () => take(client.endpoints.list(), mostEndpoints),
    enabled: open,
  });
  const valid = nameSchema.safeParse(endpoint).success;
  const current = endpoints.data?.find(({ name }) => name === endpoint);
  const replaced = chosen.filter(
    (task) => current?.tasks[task] !== undefined && current.tasks[task] !== content.id,
  );
  const send = useMutation({
    mutationFn: () => publish(client, endpoint, content.id, chosen),
    onSuccess: ({ endpoint: set, undo }) => {
      setOpen(false);
      const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ['endpoints-all'] });
      void refresh();
      notify(`Endpoint ${set.name} serves ${content.version.name}@${content.version.version}`, {
        description: `Revision ${set.revision}.`,
        undo: async () => {
          await undo();
          await refresh();
        },
      });
    },
  });
  return (
    <>
      <Button kind="primary" onClick={() => setOpen(true)}>
        Publish
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title="Publish to an endpoint"
        description="Requests are answered from this bundle from the next second on. It can be taken back."
        footer={
          <>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button
              kind="primary"
              busy={send.isPending}
              disabled={!valid || chosen.length === 0}
              onClick={() => send.mutate()}
            >
              Publish
            </Button>
          </>
        }
      >
        <div className="stack">
          <Field
            label="Endpoint"
            hint={
              current === undefined
                ? valid
                  ? 'A new endpoint.'
                  : 'An existing name, or a new one: a-z, 0-9, ".", "_" and "-".'
                : `Serves ${Object.keys(current.tasks).join(', ')} at its revision ${current.revision}.`
            }
            error={
              endpoint !== '' && !valid
                ? 'Use 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter or digit first.'
                : null
            }
          >
            <Input
              list="publish-endpoints"
              value={endpoint}
              autoComplete="off"
              onChange={(event) => setEndpoint(event.currentTarget.value)}
            />
          </Field>
          <datalist id="publish-endpoints">
            {endpoints.data?.map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <fieldset className="stack" style={{ border: 0, padding: 0, margin: 0 }}>
            <legend className="small muted">Tasks it answers from this bundle</legend>
            {tasks.map((task) => (
              <Check
                key={task}
                label={task}
                checked={chosen.includes(task)}
                onChange={(on) => setChosen(on ? [...chosen, task] : chosen.filter((one) => one !== task))}
              />
            ))}
          </fieldset>
          {replaced.length > 0 && (
            <p className="muted">
              {replaced.join(', ')} {replaced.length === 1 ? 'is' : 'are'} answered from another bundle now,
              and will be from this one.
            </p>
          )}
          {send.error !== null && <ErrorState error={send.error} compact />}
        </div>
      </Dialog>
    </>
  );
}
