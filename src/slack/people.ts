/**
 * Who reacts: Slack does not say in an event whether it was a bot, so it is asked once for each user. And what
 * somebody is called, for pages: it is shown as soon as it is known.
 *
 * When Slack does not answer in time the user counts as a person: an acknowledgement must not be lost.
 */
import { setTimeout } from 'node:timers/promises';
import type { Instant } from '../model.ts';
import type { SlackApi } from './api.ts';

interface SlackPeople {
  readonly isBot: (user: string) => Promise<boolean>;
  /** As Slack has it. Undefined: it is asked for, and is there the next time. */
  readonly nameOf: (user: string) => string | undefined;
}

type Person = { readonly name: string; readonly bot: boolean };

const KNOWN_MAX = 10_000;
const ANSWER_WITHIN_MS = 1_000;
/** Names asked for at the same time, and within a minute: Slack answers a hundred, and whoever reacts is among them. */
const ASKING_MAX = 3;
const ASKED_MAX = 20;
const ASKED_WITHIN_MS = 60_000;
/** After an answer that was no name. */
const AGAIN_MS = 10 * 60_000;
/** What looks like one can stand in a text of an alert as well. */
const ID = /^[UW](?=[A-Z]*\d)[A-Z0-9]{7,20}$/;

export function createPeople(api: Pick<SlackApi, 'person'>, now: () => Instant): SlackPeople {
  const known = new Map<string, Person>();
  /** Who was asked for because of a name, and when. */
  const asked = new Map<string, Instant>();
  let asking = 0;

  async function ask(user: string): Promise<Person | undefined> {
    const answer = await api.person(user);
    if (answer.kind !== 'ok') return undefined;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(user, answer.value);
    return answer.value;
  }

  function mayAsk(user: string, at: Instant): boolean {
    if (asking >= ASKING_MAX || !ID.test(user)) return false;
    for (const [one, askedAt] of asked) if (at - askedAt >= AGAIN_MS) asked.delete(one);
    if (asked.has(user)) return false;
    const lately = [...asked.values()].filter((askedAt) => at - askedAt < ASKED_WITHIN_MS);
    return lately.length < ASKED_MAX;
  }

  async function askFor(user: string): Promise<void> {
    const at = now();
    if (!mayAsk(user, at)) return;
    asked.set(user, at);
    asking++;
    await ask(user);
    asking--;
  }

  return {
    async isBot(user) {
      const person =
        known.get(user) ??
        (await Promise.race([ask(user), setTimeout(ANSWER_WITHIN_MS, undefined, { ref: false })]));
      return person?.bot ?? false;
    },
    nameOf(user) {
      const person = known.get(user);
      if (person === undefined) void askFor(user);
      return person?.name;
    },
  };
}
