/** Delivery under each fault, against the Slack stand-in and a clock that only tests move. */
import { expect, test } from 'vitest';
import type { Effect, MessageRef, Reply } from '../../src/model.ts';
import { deliveryDesk, messageEffect, replyEffect, START } from '../support/delivery-desk.ts';

test('an incident is posted at once, and reported with its place in Slack', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  const [message] = slack.channel('#alerts').messages;
  expect(message?.text).toContain('checkout: high error rate');
  expect(message?.metadata.event_payload).toEqual({ id: 'message:A', revision: 1 });
  expect(slack.callsOf('chat.postMessage')[0]?.args).toMatchObject({
    parse: 'none',
    link_names: 'false',
    unfurl_links: 'false',
    unfurl_media: 'false',
  });
  expect(reports).toEqual([
    {
      effect: 'message:A',
      outcome: {
        kind: 'sent',
        message: { channel: message?.channel, ts: message?.ts },
        revision: 1,
      },
    },
  ]);
});

test('a newer revision updates the same message', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  see('A', { severity: 'critical' });
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(slack.messages()[0]?.text).toContain('critical');
  expect(reports.at(-1)?.outcome).toMatchObject({ kind: 'sent', revision: 2 });
});

test('the same revision ordered again is not sent again, but reported', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  delivery.enqueue([messageEffect('A'), replyEffect('A')]);
  await delivery.idle();
  expect(slack.callsOf('chat.update').length).toBeLessThanOrEqual(1);
  expect(reports.filter(({ effect }) => effect === 'message:A')).toHaveLength(2);
});

test('an older revision that another instance sent late is replaced by the newest', async () => {
  const { slack, delivery, see, sentElsewhere } = await deliveryDesk();
  for (let revision = 1; revision <= 2; revision++) {
    see('A');
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
  }
  sentElsewhere('A', 1);
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.callsOf('chat.update')).toHaveLength(2);
});

test('a line that a channel must see stands in the channel too, others in the thread only', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  see('A');
  const joined = { kind: 'service-joined', services: ['basket'], mention: [] } as const;
  delivery.enqueue([messageEffect('A'), replyEffect('A', 1), replyEffect('A', 2, joined)]);
  await delivery.idle();
  const posts = slack.callsOf('chat.postMessage').map(({ args }) => args['reply_broadcast']);
  expect(posts).toEqual([undefined, 'true', undefined]);
});

test('a line that another channel does not take stands in the thread, and calls there', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  const there = { channel: '#secret', messageIn: '#alerts' };
  const rise = { kind: 'severity-rose', from: 'warning', to: 'critical', service: 'a' } as const;
  for (let n = 1; n <= 2; n++) {
    if (n === 1) slack.next('chat.postMessage').refuse('channel_not_found');
    const line = replyEffect('A', n, { ...rise, mention: ['U012ANN'], there });
    delivery.enqueue([{ ...line, channel: '#secret' }]);
    await delivery.idle();
  }
  const [message, ...lines] = slack.messages();
  expect(lines.map(({ thread }) => thread)).toEqual([message?.ts, message?.ts]);
  expect(lines[0]?.text).toContain('U012ANN: please take it');
  expect(lines[0]?.text).not.toContain('its message is in');
  expect(slack.callsOf('chat.postMessage')).toHaveLength(4);
  expect(reports.at(-1)?.outcome).toMatchObject({ kind: 'sent' });
});

test('a line of an earlier run that another channel had refused is found in the thread', async () => {
  const { slack, clock, delivery, see, failReports, restart } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  const there = { channel: '#secret', messageIn: '#alerts' };
  const joined = { kind: 'service-joined', services: ['a'], mention: ['U012ANN'], there } as const;
  const line = { ...replyEffect('A', 1, joined), channel: '#secret' };
  slack.next('chat.postMessage').refuse('channel_not_found');
  failReports(1);
  delivery.enqueue([line]);
  await clock.asleep();
  await delivery.stop();
  slack.next('chat.postMessage').refuse('channel_not_found');
  const second = restart();
  second.restore([line]);
  clock.hurry();
  await second.idle();
  expect(slack.messages()).toHaveLength(2);
});

test('replies go to the thread of the message, after it and in order', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([replyEffect('A', 1), replyEffect('A', 2), messageEffect('A')]);
  await delivery.idle();
  const [message, first, second] = slack.messages();
  expect(message?.thread).toBeUndefined();
  expect([first?.thread, second?.thread]).toEqual([message?.ts, message?.ts]);
  expect(first?.metadata.event_payload['id']).toBe('reply:A:1');
});

test('a reply waits until its incident has a message', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([replyEffect('A')]);
  await delivery.idle();
  expect(slack.calls).toEqual([]);
  expect(delivery.health()).toMatchObject({ waiting: 1, trouble: undefined });
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(2);
});

test('of what waits, only the newest revision is sent', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').rateLimit(30);
  delivery.enqueue([messageEffect('A')]);
  expect(await clock.asleep()).toEqual([30_000]);
  expect(delivery.missed('A')).toBe('after 1 try in 0 s (rate limited)');
  expect(delivery.missed('B')).toBeUndefined();
  see('A', { severity: 'high' });
  see('A', { severity: 'critical' });
  delivery.enqueue([messageEffect('A')]);
  clock.pass(30_000);
  await delivery.idle();
  expect(slack.messages().map(({ texts }) => texts.length)).toEqual([1]);
  expect(slack.messages()[0]?.text).toContain('critical');
});

test('what was tried before a message was taken is reported with it, and forgotten', async () => {
  const { slack, clock, delivery, see, reports } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').rateLimit(30);
  slack.next('chat.postMessage').refuse('invalid_blocks');
  delivery.enqueue([messageEffect('A')]);
  await clock.asleep();
  clock.pass(30_000);
  await delivery.idle();
  const after = 'after 2 tries in 30 s (rate limited; invalid_blocks)';
  expect(reports).toMatchObject([{ outcome: { kind: 'sent', after } }]);
  see('A', { severity: 'critical' });
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(reports[1]?.outcome).not.toHaveProperty('after');
});

test('what is ordered while a call is on its way is sent after it', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await slack.called('chat.postMessage');
  see('A', { severity: 'critical' });
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages().map(({ updates }) => updates)).toEqual([1]);
  expect(slack.messages()[0]?.text).toContain('critical');
  expect(reports).toMatchObject([{ outcome: { revision: 1 } }, { outcome: { revision: 2 } }]);
});

test('a 429 stops only the channel it was said of', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  see('B');
  slack.next('chat.postMessage').rateLimit(30);
  delivery.enqueue([messageEffect('A', { channel: '#busy' })]);
  await clock.asleep();
  delivery.enqueue([messageEffect('B', { channel: '#calm' })]);
  await slack.until(() => slack.messages()[0]);
  expect(slack.messages().map(({ channelName }) => channelName)).toEqual(['calm']);
  clock.pass(30_000);
  await delivery.idle();
  expect(slack.channel('#busy').messages).toHaveLength(1);
});

test('a 429 without a time waits for half a minute', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').rateLimit();
  delivery.enqueue([messageEffect('A')]);
  expect(await clock.asleep()).toEqual([30_000]);
});

test('a burst goes at once, then one message a second for each channel', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  const incidents = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const incident of incidents) see(incident);
  delivery.enqueue(incidents.map((incident) => messageEffect(incident)));
  await slack.called('chat.postMessage', 4);
  expect(await clock.asleep()).toEqual([1_000]);
  clock.pass(1_000);
  await slack.called('chat.postMessage', 5);
  expect(slack.messages()).toHaveLength(5);
  await clock.asleep();
  clock.pass(1_000);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(6);
});

test('when there is a queue, critical incidents go first', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  const early = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const incident of [...early, 'URGENT']) see(incident);
  delivery.enqueue(early.map((incident) => messageEffect(incident)));
  delivery.enqueue([messageEffect('URGENT', { severity: 'critical' })]);
  await slack.called('chat.postMessage', 4);
  await clock.asleep();
  clock.pass(1_000);
  const call = await slack.called('chat.postMessage', 5);
  expect(call.args['metadata']).toMatchObject({ event_payload: { id: 'message:URGENT' } });
});

test('an answer that was lost is looked up: one message, not two', async () => {
  const { slack, clock, delivery, see, reports } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').dropAnswer();
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  const [message] = slack.messages();
  expect(reports).toMatchObject([
    { outcome: { kind: 'sent', message: { ts: message?.ts }, revision: 1, late: true } },
  ]);
});

test('a post whose answer was lost is found, also when our clock is hours ahead', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk({
    now: () => START - 3 * 60 * 60_000,
  });
  see('A');
  slack.next('chat.postMessage').dropAnswer();
  clock.hurry();
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
});

test('a post that did not arrive is posted after the look-up', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').dropBefore();
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(slack.callsOf('conversations.history')).toHaveLength(1);
});

test('a reply whose answer was lost is looked up in its thread', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  slack.next('chat.postMessage').dropAnswer();
  delivery.enqueue([replyEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(2);
  expect(slack.callsOf('conversations.replies')).toHaveLength(1);
});

test('a server error is no answer either', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').answerWith(503);
  slack.next('conversations.history').answerWith(502);
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
});

test('Slack that never answers is given up on, and looked up', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk({ timeoutMs: 300 });
  see('A');
  slack.next('chat.postMessage').stall();
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(slack.callsOf('chat.postMessage').length).toBeGreaterThan(1);
});

test('a bot that may not read the channel posts again rather than never', async () => {
  const { slack, clock, delivery, see, log } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').dropBefore();
  slack.next('conversations.history').refuse('missing_scope');
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(log.some(({ message }) => message.startsWith('cannot look up'))).toBe(true);
});

test('a look-up waits until a request on its way must have arrived', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').dropAnswer();
  delivery.enqueue([messageEffect('A')]);
  expect(await clock.asleep()).toEqual([500]);
  clock.pass(500);
  expect(await clock.asleep()).toEqual([1_000]);
  expect(slack.callsOf('conversations.history')).toEqual([]);
  clock.pass(1_000);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
});

test('each further failure is waited for longer, and a success forgets them', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  for (let round = 0; round < 2; round++) {
    see('A');
    slack.next('chat.update').dropBefore();
    slack.next('chat.update').dropBefore();
    delivery.enqueue([messageEffect('A')]);
    expect(await clock.asleep()).toEqual([500]);
    clock.pass(500);
    expect(await clock.asleep()).toEqual([1_000]);
    clock.pass(1_000);
    await delivery.idle();
  }
});

test('an update whose answer was lost is simply made again', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  see('A');
  slack.next('chat.update').dropAnswer();
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()[0]?.updates).toBe(2);
  expect(slack.callsOf('conversations.history')).toEqual([]);
});

test('a message that somebody deleted is reported gone, and then posted anew', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  slack.deleteMessage(await slack.message(/checkout/));
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(reports.at(-1)?.outcome).toEqual({ kind: 'gone', error: 'message_not_found' });
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
});

test('a message whose channel was archived is reported gone, and what is to be replied waits for the next', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  slack.channel('#alerts').isArchived = true;
  see('A');
  delivery.enqueue([messageEffect('A'), replyEffect('A')]);
  await delivery.idle();
  expect(reports.map(({ effect, outcome }) => [effect, outcome])).toMatchObject([
    ['message:A', { kind: 'sent' }],
    ['message:A', { kind: 'gone', error: 'is_inactive' }],
  ]);
  slack.channel('#alerts').isArchived = false;
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages().map(({ thread }) => thread)).toEqual([
    undefined,
    undefined,
    slack.messages()[1]?.ts,
  ]);
});

test.each(['update_failed', 'external_channel_migrating', 'message_limit_exceeded'])(
  'an update that Slack cannot make for a while is made later: %s',
  async (error) => {
    const { slack, clock, delivery, see, reports } = await deliveryDesk();
    see('A');
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
    slack.next('chat.update').refuse(error);
    see('A');
    delivery.enqueue([messageEffect('A')]);
    clock.hurry();
    await delivery.idle();
    expect(slack.messages()).toMatchObject([{ updates: 1 }]);
    expect(reports.map(({ outcome }) => outcome.kind)).toEqual(['sent', 'sent']);
  },
);

test('what the lane was told but has not decided yet is not posted twice', async () => {
  const { slack, delivery, see, laneLags } = await deliveryDesk();
  const { catchUp } = laneLags();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  catchUp();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(slack.messages()[0]?.updates).toBe(2);
});

test('a message that is over is remembered until the lane knows of it', async () => {
  const { slack, delivery, see, laneLags } = await deliveryDesk();
  laneLags();
  for (let revision = 0; revision < 2; revision++) {
    see('A', { phase: 'resolved' });
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
  }
  expect(slack.messages()).toHaveLength(1);
});

test('a message is posted anew although the lane does not know yet that it is gone', async () => {
  const { slack, delivery, see, laneLags } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  slack.deleteMessage(await slack.message(/checkout/));
  const { catchUp } = laneLags();
  for (let revision = 0; revision < 3; revision++) {
    see('A');
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
  }
  catchUp();
  expect(slack.messages()).toHaveLength(1);
  expect(slack.messages()[0]?.updates).toBe(1);
});

test('a channel that the bot cannot enter is given up on after one try', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  slack.channel('#alerts');
  slack.next('chat.postMessage').refuse('not_in_channel');
  slack.next('chat.postMessage').refuse('not_in_channel');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(reports).toMatchObject([{ outcome: { kind: 'refused', error: 'not_in_channel' } }]);
});

test('a bot that was removed from a channel after it posted there enters it again', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  for (const incident of ['A', 'B']) {
    see(incident);
    slack.channel('#alerts').member = false;
    delivery.enqueue([messageEffect(incident)]);
    await delivery.idle();
  }
  expect(slack.messages()).toHaveLength(2);
});

test('a channel has one pace, by whichever name it is called', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  delivery.enqueue([1, 2, 3, 4].map((number) => replyEffect('A', number)));
  await slack.called('chat.postMessage', 4);
  expect(await clock.asleep()).toEqual([1_000]);
});

test('when updates queue, news goes before fresher numbers', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  const incidents = Array.from({ length: 23 }, (_, index) => `I${index}`);
  for (const incident of incidents) {
    see(incident);
    delivery.enqueue([messageEffect(incident, { channel: `#${incident}` })]);
  }
  await delivery.idle();
  for (const incident of incidents) {
    const news = incident === 'I22' ? { phase: 'resolved' as const } : {};
    see(incident, { alerts: { firing: 2, total: 2 }, ...news });
  }
  delivery.enqueue(incidents.map((incident) => messageEffect(incident)));
  await slack.called('chat.update', 20);
  await clock.asleep();
  clock.pass(1_200);
  const call = await slack.called('chat.update', 21);
  expect(call.args['metadata']).toMatchObject({ event_payload: { id: 'message:I22' } });
});

test.each(['channel_not_found', 'is_archived', 'restricted_action'])(
  'a channel that is not to be had is reported: %s',
  async (error) => {
    const { slack, delivery, see, reports } = await deliveryDesk();
    see('A');
    slack.next('chat.postMessage').refuse(error);
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
    expect(reports).toMatchObject([{ effect: 'message:A', outcome: { kind: 'refused', error } }]);
  },
);

test('what was to be replied to a message that Slack refused for good is refused too', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').refuse('is_archived');
  delivery.enqueue([messageEffect('A'), replyEffect('A')]);
  await delivery.idle();
  expect(reports).toMatchObject([
    { outcome: { error: 'is_archived' } },
    { effect: 'reply:A:1', outcome: { kind: 'refused', error: 'no_message' } },
  ]);
  expect(delivery.health().waiting).toBe(0);
});

test('a public channel that the bot is not in is joined', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  see('A');
  slack.channel('#alerts').member = false;
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(1);
});

test('a private channel that the bot is not in is reported', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  const channel = slack.channel('#alerts');
  channel.member = false;
  channel.isPrivate = true;
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(reports).toMatchObject([{ outcome: { kind: 'refused', error: 'channel_not_found' } }]);
});

test('a refused token loses nothing: one loud line, and all is sent when it is mended', async () => {
  const { slack, clock, delivery, see, log, reports } = await deliveryDesk();
  for (const incident of ['A', 'B']) see(incident);
  for (let call = 0; call < 4; call++) slack.next('chat.postMessage').refuse('token_revoked');
  delivery.enqueue([messageEffect('A'), messageEffect('B')]);
  await clock.asleep();
  expect(delivery.health()).toMatchObject({ waiting: 2, trouble: 'token_revoked' });
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(2);
  expect(reports).toHaveLength(2);
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
});

test('while Slack is down one call at a time asks for it, and then everything is sent once', async () => {
  const { slack, clock, delivery, see, log, reports } = await deliveryDesk();
  const incidents = Array.from({ length: 12 }, (_, index) => `I${index}`);
  for (const incident of incidents) see(incident);
  slack.down();
  delivery.enqueue(
    incidents.map((incident, index) => messageEffect(incident, { channel: `#c${index}` })),
  );
  clock.hurry();
  await slack.until(() => (slack.calls.length > 30 ? true : undefined));
  expect(delivery.health().trouble).toBeDefined();
  slack.up();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(12);
  expect(reports).toHaveLength(12);
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
  expect(delivery.health()).toMatchObject({ waiting: 0, trouble: undefined });
});

test('blocks that Slack does not take are left out: the text still arrives', async () => {
  const { slack, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').refuse('invalid_blocks');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages()[0]?.blocks).toEqual([]);
  expect(slack.messages()[0]?.text).toContain('checkout');
});

test('a row of an earlier run that was posted is found, not posted again', async () => {
  const { slack, clock, delivery, see, restart, failReports, reports } = await deliveryDesk();
  see('A');
  failReports(1);
  delivery.enqueue([messageEffect('A')]);
  await slack.message(/checkout/);
  await clock.asleep();
  await delivery.stop();
  expect(reports).toEqual([]);
  see('A');
  const second = restart();
  second.restore([messageEffect('A', { at: clock.now() + 60_000 })]);
  clock.hurry();
  await second.idle();
  expect(slack.messages()).toHaveLength(1);
  expect(reports).toMatchObject([{ outcome: { kind: 'sent', revision: 1 } }]);
});

test('a row of an earlier run that was not posted is posted, after a time to settle', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  delivery.restore([messageEffect('A'), replyEffect('A')]);
  expect(await clock.asleep()).toEqual([1_500]);
  expect(slack.calls).toEqual([]);
  clock.hurry();
  await delivery.idle();
  expect(slack.messages()).toHaveLength(2);
});

test('an update of an earlier run may still arrive: ours comes after it', async () => {
  const { slack, clock, delivery, see, restart } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  see('A');
  const second = restart();
  second.restore([messageEffect('A')]);
  expect(await clock.asleep()).toEqual([1_500]);
  expect(slack.callsOf('chat.update')).toEqual([]);
  clock.pass(1_500);
  await second.idle();
  expect(slack.messages()[0]?.updates).toBe(1);
  expect(slack.callsOf('conversations.history')).toEqual([]);
});

test('a lane that loads again in the same process needs no look-up of what is known', async () => {
  const { slack, clock, delivery, see, laneLags } = await deliveryDesk();
  laneLags();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  clock.hurry();
  delivery.restore([messageEffect('A')]);
  await delivery.idle();
  expect(slack.callsOf('conversations.history')).toEqual([]);
  expect(slack.messages()).toHaveLength(1);
});

test('a lane that loads again while a post waits needs no look-up of it', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').rateLimit(30);
  const effects = [messageEffect('A'), replyEffect('A')];
  delivery.enqueue(effects);
  await clock.asleep();
  delivery.restore(effects);
  clock.pass(30_000);
  await delivery.idle();
  expect(slack.messages()).toHaveLength(2);
  expect(slack.calls.filter(({ method }) => method.startsWith('conversations.'))).toEqual([]);
});

for (const [when, failures] of [
  ['its post is on its way', 0],
  ['its outcome is kept', 1],
] as const) {
  test(`a lane that loads again while ${when}: a reply stands once in the thread`, async () => {
    const { slack, clock, delivery, see, failReports } = await deliveryDesk();
    see('A');
    delivery.enqueue([messageEffect('A')]);
    await delivery.idle();
    failReports(failures);
    delivery.enqueue([replyEffect('A')]);
    if (failures > 0) await clock.asleep();
    // From the store: equal, but not the same.
    delivery.restore([replyEffect('A')]);
    clock.hurry();
    await delivery.idle();
    expect(slack.messages()).toHaveLength(2);
  });
}

test('a reply of an earlier run is looked up where its message is by now', async () => {
  const { slack, clock, delivery, see, failReports, restart } = await deliveryDesk();
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  const reply = { ...replyEffect('A'), channel: '#refused' };
  failReports(1);
  delivery.enqueue([reply]);
  await clock.asleep();
  await delivery.stop();
  const second = restart();
  second.restore([reply]);
  clock.hurry();
  await second.idle();
  expect(slack.messages()).toHaveLength(2);
});

test('a new incident does not wait for the rows of an earlier run', async () => {
  const { slack, clock, delivery, see } = await deliveryDesk();
  see('A');
  see('B');
  delivery.restore([messageEffect('A')]);
  await clock.asleep();
  delivery.enqueue([messageEffect('B')]);
  await slack.message(/checkout/);
  expect(slack.messages()).toHaveLength(1);
});

test('an outcome that the lane cannot take yet is kept, and the message not sent again', async () => {
  const { slack, clock, delivery, see, failReports, reports } = await deliveryDesk();
  see('A');
  failReports(3);
  delivery.enqueue([messageEffect('A')]);
  clock.hurry();
  await delivery.idle();
  expect(slack.callsOf('chat.postMessage')).toHaveLength(1);
  expect(reports).toMatchObject([{ outcome: { kind: 'sent', late: true } }]);
});

test('a message that cannot be made is logged and tried again later; the others go on', async () => {
  const { slack, clock, delivery, see, log, reports } = await deliveryDesk();
  // Not as its type says: a bug.
  see('A', { services: undefined as never });
  see('B');
  delivery.enqueue([messageEffect('A'), messageEffect('B')]);
  await clock.asleep();
  await slack.message(/checkout/);
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
  see('A', { services: [] });
  clock.pass(60_000);
  await delivery.idle();
  expect(reports).toMatchObject([{ effect: 'message:B' }, { effect: 'message:A' }]);
});

test('a line that only a later version can write waits for that; its message does not', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  see('A');
  const reply = { kind: 'of-a-later-version' };
  // As another version may have ordered it.
  delivery.enqueue([messageEffect('A'), replyEffect('A', 1, reply as unknown as Reply)]);
  await slack.called('chat.postMessage');
  see('A');
  delivery.enqueue([messageEffect('A')]);
  await slack.called('chat.update');
  await delivery.stop();
  expect(slack.messages()).toHaveLength(1);
  expect(new Set(reports.map(({ effect }) => effect))).toEqual(new Set(['message:A']));
});

test('what cannot be looked at stops nothing but itself', async () => {
  const { slack, clock, delivery, see, breakLook, log, reports } = await deliveryDesk();
  for (const incident of ['A', 'B']) see(incident);
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  breakLook('A', true);
  delivery.enqueue([replyEffect('A'), messageEffect('B')]);
  await clock.asleep();
  await slack.called('chat.postMessage', 2);
  expect(log.filter(({ level }) => level === 'error').length).toBeGreaterThan(0);
  breakLook('A', false);
  clock.hurry();
  await delivery.idle();
  expect(reports.map(({ effect }) => effect)).toEqual(['message:A', 'message:B', 'reply:A:1']);
});

test('replies to a message that was refused wait for the lane, which decides a moment later', async () => {
  const { slack, clock, delivery, see, laneLags, reports } = await deliveryDesk();
  see('A');
  const { catchUp } = laneLags();
  slack.next('chat.postMessage').refuse('is_archived');
  delivery.enqueue([messageEffect('A'), replyEffect('A')]);
  await clock.asleep();
  expect(reports).toMatchObject([{ effect: 'message:A' }]);
  catchUp();
  clock.hurry();
  await delivery.idle();
  expect(reports).toMatchObject([
    { effect: 'message:A', outcome: { kind: 'refused' } },
    { effect: 'reply:A:1', outcome: { kind: 'refused', error: 'no_message' } },
  ]);
});

test('an incident that nobody remembers is reported as undeliverable', async () => {
  const { delivery, reports } = await deliveryDesk();
  delivery.enqueue([messageEffect('GHOST')]);
  await delivery.idle();
  expect(reports).toMatchObject([{ outcome: { kind: 'refused', error: 'unknown_incident' } }]);
});

test.each(['became part of another', 'was forgotten'])(
  'what %s while Slack was away is not posted as it had been',
  async (what) => {
    const { slack, clock, delivery, see, forget, reports, log } = await deliveryDesk();
    see('A');
    slack.next('chat.postMessage').refuse('invalid_auth');
    delivery.enqueue([messageEffect('A')]);
    await clock.asleep();
    if (what === 'was forgotten') forget('A');
    else see('A', { mergedInto: 'B' });
    clock.hurry();
    await delivery.idle();
    expect(slack.messages()).toEqual([]);
    expect(reports).toMatchObject([{ effect: 'message:A', outcome: { kind: 'gone' } }]);
    // Slack was not asked, so nobody says that it is back.
    expect(log.map(({ message }) => message)).not.toContain('Slack takes our messages again');
  },
);

test('what became part of another may be in Slack, and says so there', async () => {
  const { slack, clock, delivery, see, reports } = await deliveryDesk();
  see('A');
  slack.next('chat.postMessage').dropAnswer();
  delivery.enqueue([messageEffect('A')]);
  await clock.asleep();
  see('A', { mergedInto: 'B' });
  clock.hurry();
  await delivery.idle();
  // The lane orders it anew, because it is told of an older revision.
  expect(reports).toMatchObject([{ effect: 'message:A', outcome: { kind: 'sent', revision: 1 } }]);
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.messages().map(({ text }) => text.slice(0, 2))).toEqual(['↪️']);
});

function digestEffect(message: MessageRef | undefined, at: number): Effect {
  return {
    kind: 'digest',
    message,
    id: 'digest:#dev',
    at,
    from: 0,
    channel: '#dev',
    severity: 'info',
    delivery: undefined,
    lines: [],
  };
}

test('a digest is one standing message: posted, brought up to date, posted anew when deleted', async () => {
  const { slack, delivery, reports } = await deliveryDesk();
  const sent = (): MessageRef | undefined => {
    const outcome = reports.at(-1)?.outcome;
    return outcome?.kind === 'sent' ? outcome.message : undefined;
  };
  delivery.enqueue([digestEffect(undefined, 0)]);
  await delivery.idle();
  expect(slack.channel('#dev').messages[0]?.text).toContain('Digest');
  const first = sent();
  delivery.enqueue([digestEffect(first, 86_400_000)]);
  await delivery.idle();
  expect(slack.channel('#dev').messages).toHaveLength(1);
  expect(slack.callsOf('chat.update')).toHaveLength(1);
  expect(sent()).toEqual(first);
  slack.deleteMessage(await slack.message(/Digest/));
  delivery.enqueue([digestEffect(first, 2 * 86_400_000)]);
  await delivery.idle();
  expect(slack.callsOf('chat.postMessage')).toHaveLength(2);
  expect(sent()?.ts).not.toBe(first?.ts);
});

test('a digest that Slack will not bring up to date is reported, and not posted beside itself', async () => {
  const { slack, delivery, reports } = await deliveryDesk();
  delivery.enqueue([digestEffect(undefined, 0)]);
  await delivery.idle();
  const outcome = reports.at(-1)?.outcome;
  if (outcome?.kind !== 'sent') throw new Error('it was not posted');
  slack.next('chat.update').refuse('msg_too_long');
  delivery.enqueue([digestEffect(outcome.message, 86_400_000)]);
  await delivery.idle();
  expect(reports.at(-1)?.outcome).toMatchObject({ kind: 'refused', error: 'msg_too_long' });
  expect(slack.channel('#dev').messages).toHaveLength(1);
});

test('what is on its way when delivery stops is ended and reported; the rest stays', async () => {
  const { slack, delivery, see, reports } = await deliveryDesk();
  const incidents = ['A', 'B', 'C', 'D', 'E', 'F'];
  for (const incident of incidents) see(incident);
  delivery.enqueue(incidents.map((incident) => messageEffect(incident)));
  await slack.called('chat.postMessage');
  await delivery.stop();
  expect(reports).toHaveLength(4);
  expect(slack.messages()).toHaveLength(4);
  delivery.enqueue([messageEffect('A')]);
  await delivery.idle();
  expect(slack.calls).toHaveLength(4);
});
