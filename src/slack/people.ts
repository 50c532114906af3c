/**
 * Who reacts: Slack does not say in an event whether it was a bot, so it is asked once for each user.
 *
 * When Slack does not answer in time the user counts as a person: an acknowledgement must not be lost.
 */
import type { SlackApi } from './api.ts';

export interface People {
  readonly isBot: (user: string) => Promise<boolean>;
  /** The name as it was last seen in Slack. */
  readonly nameOf: (user: string) => string | undefined;
}

type Person = { readonly name: string; readonly bot: boolean };

const KNOWN_MAX = 10_000;
const ANSWER_WITHIN_MS = 1_000;

export function createPeople(api: Pick<SlackApi, 'person'>): People {
  const known = new Map<string, Person>();

  async function ask(user: string): Promise<Person | undefined> {
    const answer = await api.person(user);
    if (answer.kind !== 'ok') return undefined;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(user, answer.value);
    return answer.value;
  }

  return {
    async isBot(user) {
      const person = known.get(user) ?? (await within(ANSWER_WITHIN_MS, ask(user)));
      return person?.bot ?? false;
    },
    nameOf: (user) => known.get(user)?.name,
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
