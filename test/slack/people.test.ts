/** Who somebody is, as Slack has it: asked for once, and never waited for by a page. */
import { expect, test } from 'vitest';
import { createPeople } from '../../src/slack/people.ts';

const MINUTE = 60_000;

function slackThatKnows(names: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  let now = 0;
  const people = createPeople(
    {
      async person(user) {
        asked.push(user);
        await new Promise<void>((resolve) => void waiting.push(resolve));
        const name = names[user];
        if (name === undefined) return { kind: 'refused', error: 'user_not_found' };
        return { kind: 'ok', value: { name, bot: false } };
      },
    },
    () => now,
  );
  return {
    asked,
    ...people,
    pass: (ms: number) => void (now += ms),
    async answers() {
      while (waiting.length > 0) {
        for (const answer of waiting.splice(0)) answer();
        await new Promise(setImmediate);
      }
    },
  };
}

test('a name is there the next time somebody looks, and was asked for once', async () => {
  const slack = slackThatKnows({ U012AB3CD: 'Ann' });
  expect([slack.nameOf('U012AB3CD'), slack.nameOf('U012AB3CD')]).toEqual([undefined, undefined]);
  await slack.answers();
  expect([slack.nameOf('U012AB3CD'), slack.nameOf('U012AB3CD')]).toEqual(['Ann', 'Ann']);
  expect(slack.asked).toEqual(['U012AB3CD']);
});

test('whom Slack does not know, or does not tell, is asked for again later, not with each page', async () => {
  const slack = slackThatKnows({});
  for (let look = 0; look < 9; look++) {
    slack.nameOf('U012AB3CD');
    await slack.answers();
    slack.pass(MINUTE);
  }
  expect(slack.asked).toHaveLength(1);
  slack.pass(MINUTE);
  slack.nameOf('U012AB3CD');
  expect(slack.asked).toHaveLength(2);
});

test('words of an alert are asked for as little as can be: what is no id never, and few a minute', async () => {
  const slack = slackThatKnows({});
  for (const word of ['WARNING', 'U7', 'ann', 'UPSTREAM', '', 'U0'.repeat(40)]) slack.nameOf(word);
  expect(slack.asked).toEqual([]);
  for (let n = 0; n < 500; n++) {
    slack.nameOf(`U0000${1000 + n}`);
    if (n === 100) expect(slack.asked.length).toBeLessThan(5);
    if (n > 100) await slack.answers();
  }
  expect(slack.asked.length).toBeGreaterThan(10);
  expect(slack.asked.length).toBeLessThan(30);
  slack.pass(MINUTE);
  slack.nameOf('U012AB3CD');
  expect(slack.asked.at(-1)).toBe('U012AB3CD');
});
