/**
 * What people said of incidents: the measure for every change of rules. Somebody who took an incident
 * on (👀, ✅) needed to be told; somebody who marked it 🗑️ did not.
 */
import type { Gesture, Instant } from '../model.ts';
import { type Firing, lastOf, type Story } from './ledger.ts';

export const OPINIONS = ['acknowledged', 'not-actionable', 'untouched'] as const;
export type Opinion = (typeof OPINIONS)[number];

/** What people said of one message, and the firings that it stood for then. */
interface Said {
  readonly story: Story | undefined;
  readonly firings: readonly Firing[];
  readonly takenOn: Set<string>;
  readonly marked: Set<string>;
  /** When the first reaction came. */
  readonly at: Instant;
}

export interface Judged {
  readonly at: Instant;
  readonly opinion: Exclude<Opinion, 'untouched'>;
  readonly story: Story | undefined;
  readonly firings: readonly Firing[];
}

export interface Judge {
  /** `incident` is the id as it was recorded; story and firings are what the present rules make of it. */
  readonly hear: (reaction: Heard) => void;
  /** In the end: who took a reaction back said nothing. */
  readonly judged: () => readonly Judged[];
}

export interface Heard {
  readonly at: Instant;
  readonly incident: string;
  readonly gesture: Gesture | undefined;
  readonly user: string;
  readonly removed: boolean;
  readonly story: Story | undefined;
  readonly firings: readonly Firing[];
}

export function createJudge(): Judge {
  const heard = new Map<string, Said>();
  return {
    hear({ at, incident, gesture, user, removed, story, firings }) {
      if (gesture === undefined || gesture === 'snooze') return;
      const said = heard.get(incident) ?? {
        story,
        firings,
        at,
        takenOn: new Set(),
        marked: new Set(),
      };
      heard.set(incident, said);
      const users = gesture === 'not-actionable' ? said.marked : said.takenOn;
      const mark = `${gesture} ${user}`;
      if (removed) users.delete(mark);
      else users.add(mark);
    },
    judged: () => [...heard.values()].flatMap(judgedOf),
  };
}

/** Whoever took it on outweighs whoever marked it: a change must not hide what was needed once. */
function judgedOf({ story, firings, at, takenOn, marked }: Said): readonly Judged[] {
  if (takenOn.size > 0) return [{ opinion: 'acknowledged', at, story, firings }];
  return marked.size > 0 ? [{ opinion: 'not-actionable', at, story, firings }] : [];
}

/** What was said of each incident, and when first. */
export type Opinions = ReadonlyMap<
  Story,
  { readonly opinion: Judged['opinion']; readonly at: Instant }
>;

/** Incidents that became one later share what was said of each. */
export function opinionsByStory(judged: readonly Judged[]): Opinions {
  const opinions = new Map<Story, { readonly opinion: Judged['opinion']; readonly at: Instant }>();
  for (const { story, opinion, at } of judged) {
    const last = story === undefined ? undefined : lastOf(story);
    if (last === undefined || opinions.get(last)?.opinion === 'acknowledged') continue;
    opinions.set(last, { opinion, at });
  }
  return opinions;
}
