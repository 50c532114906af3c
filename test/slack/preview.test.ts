/** Messages without Slack: what the page and the log show before there is a token. */
import { expect, test } from 'vitest';
import type { DeliveryOutcome, MessageRef } from '../../src/model.ts';
import type { Delivery } from '../../src/slack/delivery.ts';
import { createPreview, createWall, type Wall } from '../../src/slack/preview.ts';
import { messageEffect, replyEffect } from '../support/delivery-desk.ts';
import { bareView } from '../support/message-view.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';

function preview(): {
  readonly preview: Delivery & Pick<Wall, 'messages'>;
  readonly outcomes: readonly DeliveryOutcome[];
  readonly texts: readonly string[];
  readonly said: readonly string[];
} {
  const messages = new Map<string, MessageRef>();
  const outcomes: DeliveryOutcome[] = [];
  const texts: string[] = [];
  const said: string[] = [];
  let revision = 0;
  const ignore = () => undefined;
  const clock = sleepingClock(1_773_110_000_000);
  const wall = createWall(clock);
  return {
    outcomes,
    texts,
    said,
    preview: Object.assign(
      createPreview(
        {
          view: (incident) => ({
            view: bareView({ incident, revision: ++revision }),
            message: messages.get(incident),
          }),
          async report(effect, outcome) {
            outcomes.push(outcome);
            if (outcome.kind === 'sent' && effect.kind === 'message') {
              messages.set(effect.incident, outcome.message);
            }
          },
          clock,
          random: () => 0.5,
          log: {
            debug: ignore,
            info: (fields, message) => {
              said.push(message);
              if ('text' in fields) texts.push(String(fields.text));
            },
            warn: ignore,
            error: ignore,
          },
        },
        wall,
      ),
      { messages: () => wall.messages() },
    ),
  };
}

test('a message is shown, updated in place, and has its replies', async () => {
  const { preview: shown, outcomes, texts } = preview();
  shown.enqueue([messageEffect('A'), replyEffect('A')]);
  await shown.idle();
  shown.enqueue([messageEffect('A')]);
  await shown.idle();
  expect(shown.messages()).toHaveLength(1);
  expect(shown.messages()[0]?.channel).toBe('#alerts');
  expect(shown.messages()[0]?.replies[0]).toContain('Fires again');
  expect(outcomes).toHaveLength(3);
  expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['sent']));
  expect(texts[0]).toContain('checkout: high error rate');
});

test('nothing is said to be in Slack that is not', async () => {
  const { preview: shown, said, outcomes } = preview();
  shown.enqueue([messageEffect('A')]);
  await shown.idle();
  expect(said).toEqual(['would show in Slack', 'would have been posted to Slack']);
  expect(outcomes).toMatchObject([{ kind: 'sent', preview: true }]);
});

test('a thousand messages go at once, and the last ones are kept', async () => {
  const { preview: shown, outcomes } = preview();
  shown.enqueue(Array.from({ length: 1_000 }, (_, index) => messageEffect(`I${index}`)));
  await shown.idle();
  expect(outcomes).toHaveLength(1_000);
  expect(shown.messages()).toHaveLength(200);
});

test('rows of an earlier run are shown without waiting for Slack to settle', async () => {
  const { preview: shown } = preview();
  shown.restore([messageEffect('A')]);
  await shown.idle();
  expect(shown.messages()).toHaveLength(1);
});
