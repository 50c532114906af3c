/** What an instance does about a post that was on its way when it lost the lane. */
import { expect, onTestFinished, test } from 'vitest';
import type { MessageRef } from '../../src/model.ts';
import { createSlackApi, type Post } from '../../src/slack/api.ts';
import { onlyAsLeader } from '../../src/slack/as-leader.ts';
import { START } from '../support/delivery-desk.ts';
import { bareView } from '../support/message-view.ts';
import { startSlackStandIn } from '../support/slack-stand-in.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';

const NO_LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const POST: Post = {
  channel: '#alerts',
  thread: undefined,
  text: 'checkout is down',
  blocks: undefined,
  tag: { id: 'message:A', revision: 1 },
};
const ELSEWHERE = { kind: 'unreachable', error: 'another instance leads the lane' };

function ignore(): void {}

/** `asked`: how often it is told that it leads. */
async function instance(asked: number) {
  const clock = sleepingClock(START);
  const slack = await startSlackStandIn({ now: clock.now });
  const ending = new AbortController();
  onTestFinished(async () => {
    ending.abort();
    await slack.close();
  });
  const api = createSlackApi({ token: 'xoxb-1', apiUrl: slack.url, log: NO_LOG });
  let left = asked;
  const lane = {
    get leads() {
      return left-- > 0;
    },
  };
  let message: MessageRef | undefined;
  const look = () => ({ view: bareView({ incident: 'A' }), message });
  const { signal } = ending;
  return {
    slack,
    clock,
    /** What the leader does meanwhile. */
    api,
    own: onlyAsLeader({ api, lane, look, clock, log: NO_LOG, signal }),
    laneKnows: (known: MessageRef) => void (message = known),
  };
}

test('an instance that does not lead posts nothing', async () => {
  const { slack, own } = await instance(0);
  expect(await own.post(POST)).toEqual(ELSEWHERE);
  expect(slack.calls).toEqual([]);
});

for (const lost of ['', ', and whose answer was lost'])
  test(`a post that came after the next leader had posted${lost}: it is taken back`, async () => {
    const { slack, clock, api, own, laneKnows } = await instance(1);
    const theirs = await api.post(POST);
    if (theirs.kind !== 'ok') throw new Error(theirs.kind);
    if (lost !== '') slack.next('chat.postMessage').dropAnswer();
    expect(await own.post(POST)).toEqual(ELSEWHERE);
    expect(slack.messages()).toHaveLength(2);
    await clock.asleep();
    // The leader has not reported it yet.
    clock.pass(2_000);
    await clock.asleep();
    laneKnows(theirs.value);
    clock.pass(2_000);
    await slack.called('chat.delete');
    expect(slack.messages().map(({ ts }) => ts)).toEqual([theirs.value.ts]);
  });

test('a post that the next leader found: it stays', async () => {
  const { slack, clock, api, own, laneKnows } = await instance(1);
  await own.post(POST);
  const [ours] = slack.messages();
  if (ours === undefined) throw new Error('it was not posted');
  await clock.asleep();
  laneKnows(ours);
  clock.pass(2_000);
  // Whatever it asks of Slack is asked before this is.
  const { text, blocks, tag } = POST;
  for (let i = 0; i < 3; i++) await api.update(ours, { text, blocks, tag });
  expect(slack.callsOf('chat.delete')).toEqual([]);
  expect(slack.messages()).toHaveLength(1);
});

test('an update whose answer was lost, and that may have come after one of the next leader, is reported', async () => {
  const { slack, api, own } = await instance(1);
  const posted = await api.post(POST);
  if (posted.kind !== 'ok') throw new Error(posted.kind);
  slack.next('chat.update').dropAnswer();
  const { text, blocks, tag } = POST;
  expect(await own.update(posted.value, { text, blocks, tag })).toEqual(posted);
});

test('a digest that was posted is reported, whoever leads by then', async () => {
  const { own } = await instance(1);
  const tag = { id: 'digest:#alerts', revision: 0 };
  expect(await own.post({ ...POST, tag })).toMatchObject({ kind: 'ok' });
});
