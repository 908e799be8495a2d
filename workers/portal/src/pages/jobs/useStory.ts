import { useEffect, useState } from 'react';
import { useApi } from '../../api/ApiContext.tsx';
import { emptyStory, withEvent, type JobStory } from './story.ts';

export interface Followed {
  readonly story: JobStory;
  /** Whether events still come. */
  readonly live: boolean;
  readonly error: unknown;
}

/** Events that come faster than this are put on the page together, in milliseconds. */
const togetherMs = 100;

/** Follows a job from its first event on until it is over; `again` begins anew. */
export function useStory(id: string, again: number): Followed {
  const { client } = useApi();
  const [followed, setFollowed] = useState<Followed>({ story: emptyStory, live: true, error: null });
  useEffect(() => {
    const stop = new AbortController();
    let story = emptyStory;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (live: boolean, error: unknown = null): void => {
      clearTimeout(timer);
      timer = undefined;
      if (!stop.signal.aborted) setFollowed({ story, live, error });
    };
    const follow = async (): Promise<void> => {
      for await (const event of client.jobs.events(id, { signal: stop.signal })) {
        story = withEvent(story, event);
        timer ??= setTimeout(() => show(true), togetherMs);
      }
    };
    follow().then(
      () => show(false),
      (error: unknown) => show(false, error),
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [client, id, again]);
  return followed;
}
