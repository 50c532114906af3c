import { expect, test } from 'vitest';
import type { MessageRef, Severity } from '../../src/model.ts';
import type { SlackApi } from '../../src/slack/api.ts';
import { createDelivery } from '../../src/slack/delivery.ts';
import type { SlackResult } from '../../src/slack/result.ts';
import type { MessageView } from '../../src/view.ts';
import { messageEffect, START } from '../support/delivery-desk.ts';
import { bareView } from '../support/message-view.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const WAITING = 10_000;
/** One in ten was never posted; those are spread over so many channels. */
const CHANNELS = 20;

interface Written {
  readonly at: number;
  readonly call: 'post' | 'update';
  readonly incident: string;
  readonly channel: string;
  readonly severity: Severity;
  readonly text: string;
}

test('after an hour without Slack each of 10,000 messages is written once, as it is then, the worst first, at the pace of Slack', {
  timeout: 300_000,
}, async () => {
  const clock = sleepingClock(START);
  const views = new Map<string, MessageView>();
  const messages = new Map<string, MessageRef>();
  const written: Written[] = [];
  let tries = 0;
  const isAway = () => clock.now() < START + HOUR;
  const answer = async <T>(make: () => SlackResult<T>): Promise<SlackResult<T>> => {
    if (!isAway()) return make();
    tries++;
    return { kind: 'unreachable', error: 'ECONNREFUSED' };
  };
  const write = (call: Written['call'], id: string, channel: string, text: string): void => {
    const incident = id.slice('message:'.length);
    const severity = views.get(incident)?.severity ?? 'none';
    written.push({ at: clock.now(), call, incident, channel, severity, text });
  };
  const api: SlackApi = {
    post: ({ channel, text, tag }) =>
      answer(() => {
        write('post', tag.id, channel, text);
        return { kind: 'ok', value: { channel, ts: `${clock.now()}.${written.length}` } };
      }),
    update: (message, { text, tag }) =>
      answer(() => {
        write('update', tag.id, message.channel, text);
        return { kind: 'ok', value: message };
      }),
    find: () => answer(() => ({ kind: 'ok', value: undefined })),
    join: (channel) => answer(() => ({ kind: 'ok', value: channel })),
    reactions: () => answer(() => ({ kind: 'ok', value: [] })),
    person: () => answer(() => ({ kind: 'ok', value: { name: 'Ann', bot: false } })),
    identify: () => answer(() => ({ kind: 'ok', value: { user: 'U0', team: 'T0' } })),
  };
  const ignore = () => undefined;
  const delivery = createDelivery({
    api,
    view: (id) => {
      const view = views.get(id);
      return view === undefined ? undefined : { view, message: messages.get(id) };
    },
    report: async (effect, outcome) => {
      if (effect.kind === 'message' && outcome.kind === 'sent') {
        messages.set(effect.incident, outcome.message);
      }
    },
    clock,
    random: () => 0.5,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });

  const severities = ['info', 'warning', 'critical', 'high', 'warning'] as const;
  const say = (index: number, revision: number) => {
    const incident = `I${index}`;
    const severity = severities[index % severities.length] ?? 'warning';
    const channel = `#c${index % CHANNELS}`;
    views.set(
      incident,
      bareView({
        incident,
        severity,
        revision,
        alerts: { firing: revision, total: 100 + revision },
      }),
    );
    if (index % 10 > 0 && revision === 1) messages.set(incident, { channel, ts: `1.${index}` });
    delivery.enqueue([messageEffect(incident, { channel, severity })]);
  };
  for (let index = 0; index < WAITING; index++) say(index, 1);
  for (const revision of [2, 3]) for (let index = 0; index < WAITING; index++) say(index, revision);
  clock.hurry();
  await delivery.idle();
  await delivery.stop();

  // Away, it was asked now and then, by one call for all.
  expect(tries).toBeLessThan(300);
  expect(written.length).toBe(WAITING);
  expect(new Set(written.map(({ incident }) => incident)).size).toBe(WAITING);
  expect(written.filter(({ text }) => !text.includes('103 alerts, 3 still firing'))).toEqual([]);

  const posts = written.filter(({ call }) => call === 'post');
  const updates = written.filter(({ call }) => call === 'update');
  expect([posts.length, updates.length]).toEqual([WAITING / 10, (WAITING * 9) / 10]);
  // The worst first; a few calls were on their way when Slack came back.
  expect(misplaced(updates)).toBeLessThanOrEqual(20);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const inChannel = posts.filter((one) => one.channel === `#c${channel}`);
    expect(misplaced(inChannel)).toBeLessThanOrEqual(4);
    expect(mostWithin(inChannel, 10_000)).toBeLessThanOrEqual(10 + 4);
  }
  expect(mostWithin(updates, MINUTE)).toBeLessThanOrEqual(50 + 20);
});

const ORDER = ['critical', 'high', 'warning', 'info', 'none'];

/** How many came after something less severe. */
function misplaced(written: readonly Written[]): number {
  const ranks = written.map(({ severity }) => ORDER.indexOf(severity));
  let worst = 0;
  let count = 0;
  for (const rank of ranks) {
    if (rank < worst) count++;
    worst = Math.max(worst, rank);
  }
  return count;
}

function mostWithin(written: readonly Written[], ms: number): number {
  let most = 0;
  let first = 0;
  for (let last = 0; last < written.length; last++) {
    while ((written[last]?.at ?? 0) - (written[first]?.at ?? 0) >= ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
