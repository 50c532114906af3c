/**
 * What a month of alerts looks like under the rules in force, by kind of alert and by service: the
 * ground that suggestions and the noise report stand on. Pure.
 */
import type { Instant } from '../model.ts';
import type { Result } from '../rehearse/compare.ts';
import { type Judged, type Opinions, opinionsByStory } from '../rehearse/judge.ts';
import { count, type Firing, type Shown, shownIn } from '../rehearse/ledger.ts';
import type { Catalog } from '../rules/rules.ts';
import { type Lifetime, survivalOf, type Survival } from './survival.ts';

/** All alerts of one name, or of one name and service. */
export interface Kind {
  readonly name: string;
  /** Undefined: of any. */
  readonly service: string | undefined;
  readonly firings: readonly Firing[];
  /** Distinct alerts. */
  readonly alerts: number;
  readonly services: ReadonlyMap<string, number>;
  readonly channels: ReadonlyMap<string, number>;
  /** Messages that stand for alerts of this kind only. */
  readonly messages: number;
  /** Of those messages: how long the longest firing lasted, where none was critical and nobody took it on. */
  readonly spare: readonly number[];
  readonly acknowledged: number;
  readonly marked: number;
  /** Of those that are not critical. */
  readonly survival: Survival;
  readonly critical: number;
  readonly damped: number;
  /** Share of the time in which one of them fired at least; 1: always. */
  readonly firingShare: number;
  /** Its services whose alerts have no runbook -> firings. */
  readonly withoutRunbook: ReadonlyMap<string, number>;
}

export interface Survey {
  readonly from: Instant;
  readonly to: Instant;
  /** Most messages first, then most firings. */
  readonly kinds: readonly Kind[];
  readonly kindsByService: readonly Kind[];
  readonly firings: readonly Firing[];
  readonly messages: number;
  /** Messages that people acknowledged, and that they marked. */
  readonly acknowledged: number;
  readonly marked: number;
  /** Services that no catalog knows -> firings. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Those that fired most often, with how often. */
  readonly flapping: readonly { readonly firing: Firing; readonly times: number }[];
}

interface Heard {
  readonly ofStory: Opinions;
  /** When somebody took on what a firing belongs to. */
  readonly takenOn: ReadonlyMap<Firing, Instant>;
}

const FLAPPING_MAX = 50;
/** Firing again less often than this in the whole time is no flapping. */
const FLAPPING_MIN = 6;

export function surveyOf(
  { summary, ledger }: Result,
  judged: readonly Judged[],
  catalog: Catalog,
): Survey {
  const about = { from: summary.from ?? 0, to: summary.to ?? 0, catalog };
  const firings = [...ledger.firings.values()];
  const shown = shownIn(ledger);
  const opinions = heardFrom(judged, shown);
  const unknown = new Map<string, number>();
  for (const { facts } of firings) {
    // An alert without a service stands for itself under its own name.
    if (!facts.known && facts.service !== facts.name) count(unknown, facts.service);
  }
  return {
    from: about.from,
    to: about.to,
    firings,
    unknown,
    kinds: kindsBy((firing) => firing.facts.name, firings, shown, opinions, about),
    kindsByService: kindsBy(
      ({ facts }) => `${facts.name}\n${facts.service}`,
      firings,
      shown,
      opinions,
      about,
    ),
    messages: shown.length,
    acknowledged: judged.filter(({ opinion }) => opinion === 'acknowledged').length,
    marked: judged.filter(({ opinion }) => opinion === 'not-actionable').length,
    flapping: flappingOf(firings),
  };
}

type KeyOf = (firing: Firing) => string;

function kindsBy(
  keyOf: KeyOf,
  firings: readonly Firing[],
  shown: readonly Shown[],
  opinions: Heard,
  about: About,
): readonly Kind[] {
  const messages = messagesBy(keyOf, shown, opinions.ofStory, about.to);
  const groups = new Map<string, Firing[]>();
  for (const firing of firings) {
    const key = keyOf(firing);
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [firing]);
    else own.push(firing);
  }
  return [...groups]
    .map(([key, own]) => kindOf(key, own, messages.get(key), opinions, about))
    .sort(
      (one, other) => other.messages - one.messages || other.firings.length - one.firings.length,
    );
}

function heardFrom(judged: readonly Judged[], shown: readonly Shown[]): Heard {
  const ofStory = opinionsByStory(judged);
  const takenOn = new Map<Firing, Instant>();
  for (const { opinion, firings, at } of judged) {
    if (opinion === 'acknowledged') for (const firing of firings) takenOn.set(firing, at);
  }
  for (const { story, firings } of shown) {
    const said = ofStory.get(story);
    if (said?.opinion === 'acknowledged')
      for (const firing of firings) takenOn.set(firing, said.at);
  }
  return { ofStory, takenOn };
}

interface Told {
  messages: number;
  acknowledged: number;
  marked: number;
  readonly spare: number[];
  readonly channels: Map<string, number>;
}

/** Mixed messages count for no kind: what to do about one does not follow from another. */
function messagesBy(
  keyOf: KeyOf,
  shown: readonly Shown[],
  opinions: Opinions,
  to: Instant,
): ReadonlyMap<string, Told> {
  const found = new Map<string, Told>();
  for (const { story, firings } of shown) {
    const [key, ...others] = new Set(firings.map(keyOf));
    if (key === undefined || others.length > 0) continue;
    const told = found.get(key) ?? nothingTold();
    found.set(key, told);
    told.messages++;
    const opinion = opinions.get(story)?.opinion;
    if (opinion === 'acknowledged') told.acknowledged++;
    else if (firings.every(({ facts }) => facts.severity !== 'critical'))
      told.spare.push(Math.max(...firings.map(({ at, endedAt }) => (endedAt ?? to) - at)));
    if (opinion === 'not-actionable') told.marked++;
    if (story.channel !== undefined) count(told.channels, story.channel);
  }
  return found;
}

function nothingTold(): Told {
  return { messages: 0, acknowledged: 0, marked: 0, spare: [], channels: new Map() };
}

interface About {
  readonly from: Instant;
  readonly to: Instant;
  readonly catalog: Catalog;
}

function kindOf(
  key: string,
  firings: readonly Firing[],
  told: Told | undefined,
  opinions: Heard,
  { from, to, catalog }: About,
): Kind {
  const services = new Map<string, number>();
  const withoutRunbook = new Map<string, number>();
  for (const { facts } of firings) {
    count(services, facts.service);
    const { runbook = catalog.services.get(facts.service)?.runbook } = facts;
    if (runbook === undefined) count(withoutRunbook, facts.service);
  }
  const mild = firings.filter(({ facts }) => facts.severity !== 'critical');
  const [name = '', service] = key.split('\n');
  return {
    name,
    service,
    firings,
    alerts: new Set(firings.map(({ fingerprint }) => fingerprint)).size,
    services,
    channels: told?.channels ?? new Map(),
    messages: told?.messages ?? 0,
    spare: told?.spare ?? [],
    acknowledged: acknowledgedOf(firings, opinions),
    marked: told?.marked ?? 0,
    survival: survivalOf(mild.map((firing) => lifetimeOf(firing, to, opinions.takenOn))),
    critical: firings.length - mild.length,
    damped: firings.filter(({ damped }) => damped).length,
    firingShare: shareOf(firings, from, to),
    withoutRunbook,
  };
}

/** Incidents with an alert of this kind that people took on, mixed ones as well. */
function acknowledgedOf(firings: readonly Firing[], { takenOn }: Heard): number {
  const instants = new Set<Instant>();
  for (const firing of firings) {
    const at = takenOn.get(firing);
    if (at !== undefined) instants.add(at);
  }
  return instants.size;
}

/** What people took on may have ended because of that; what only timed out ended nobody knows when. */
function lifetimeOf(firing: Firing, to: Instant, takenOn: ReadonlyMap<Firing, Instant>): Lifetime {
  const end = firing.endedAt ?? to;
  const at = takenOn.get(firing);
  const touched = at !== undefined && at < end;
  return {
    ms: Math.max(0, (touched ? at : end) - firing.at),
    ended: !touched && firing.ended === 'resolved',
  };
}

function shareOf(firings: readonly Firing[], from: Instant, to: Instant): number {
  const spans = firings
    .map(({ at, endedAt }) => [at, endedAt ?? to] as const)
    .sort(([one], [other]) => one - other);
  let covered = 0;
  let until = from;
  for (const [begin, end] of spans) {
    covered += Math.max(0, end - Math.max(begin, until));
    until = Math.max(until, end);
  }
  return to > from ? Math.min(1, covered / (to - from)) : 0;
}

function flappingOf(firings: readonly Firing[]): Survey['flapping'] {
  const times = new Map<string, { readonly firing: Firing; times: number }>();
  for (const firing of firings) {
    const one = times.get(firing.fingerprint);
    if (one === undefined) times.set(firing.fingerprint, { firing, times: 1 });
    else one.times++;
  }
  return [...times.values()]
    .filter((one) => one.times >= FLAPPING_MIN)
    .sort((one, other) => other.times - one.times)
    .slice(0, FLAPPING_MAX);
}
