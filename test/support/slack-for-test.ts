/** The Slack stand-in for one test, with what end-to-end tests ask of it. */
import { onTestFinished } from 'vitest';
import {
  type SlackStandIn,
  type StandInMessage,
  type StandInOptions,
  startSlackStandIn,
} from './slack-stand-in.ts';

export interface SlackForTest extends SlackStandIn {
  /** What stands in Slack and what was asked of it last, for a failure's message. */
  readonly situation: () => string;
}

const CALLS_SHOWN = 15;

export async function slackForTest(options: StandInOptions = {}): Promise<SlackForTest> {
  const slack = await startSlackStandIn(options);
  onTestFinished(() => slack.close());
  return {
    ...slack,
    situation() {
      const calls = slack.calls
        .slice(-CALLS_SHOWN)
        .map(({ method, fault, answer }) => `${method} ${fault ?? String(answer?.ok)}`);
      const texts = slack.messages().map(({ channelName, text }) => `#${channelName}: ${text}`);
      return ['In Slack:', ...texts, 'Calls:', ...calls].join('\n');
    },
  };
}

/** Messages that are no replies. */
export function topLevel(slack: SlackStandIn): readonly StandInMessage[] {
  return slack.messages().filter(({ thread }) => thread === undefined);
}

/** The same, by the id in their metadata: `message:<incident>`. */
export function byId(slack: SlackStandIn): ReadonlyMap<string, readonly StandInMessage[]> {
  const found = new Map<string, StandInMessage[]>();
  for (const message of slack.messages()) {
    const id = String(message.metadata.event_payload['id']);
    found.set(id, [...(found.get(id) ?? []), message]);
  }
  return found;
}
