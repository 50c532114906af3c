/**
 * Requests outside of an incident's thread get an answer that only the sender sees: otherwise they would wait for a
 * silence that nobody set. It is only a hint, so it is neither kept nor tried again.
 */
import { type Lanes, ownerOf } from '../lane/lanes.ts';
import type { WholeSlackApi } from './api.ts';
import { instantOf, type RequestEvent } from './events.ts';
import type { Log } from './log.ts';
import { ASKABLE } from './words.ts';

const HINT = `I do not know which incident you mean. Mention me in the thread of its message, while it goes on. There I understand ${ASKABLE}.`;

interface HintOptions {
  readonly api: Pick<WholeSlackApi, 'whisper'>;
  readonly lanes: Lanes;
  readonly log: Log;
}

/** For `IntakeOptions.asked`. */
export function createHints({ api, lanes, log }: HintOptions): (request: RequestEvent) => void {
  return ({ on, user, orderedAt }) => {
    if ('incident' in on || ownerOf(lanes, on) !== undefined) return;
    const { channel, ts } = on;
    // Outside of threads a request is a message by itself.
    const thread = instantOf(ts) === orderedAt ? undefined : ts;
    void api.whisper({ channel, user, thread, text: HINT }).then((answer) => {
      if (answer.kind !== 'ok')
        log.warn({ answer, on }, 'somebody asked for something outside of our threads, unanswered');
    });
  };
}
