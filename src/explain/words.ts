/**
 * Decisions in plain words: the one wording that the API, the page and `quell explain` share. Pure.
 *
 * A sentence says what was done, then why, then the rule with its `why:`. What decisions quote comes
 * from outside and may contain anything: whoever shows it escapes it.
 */
import {
  type Alert,
  BESIDE,
  type Decision,
  type Incident,
  type Instant,
  type Muted,
  type People,
  type Reason,
  SHOWN,
} from '../model.ts';
import { duration, exactDuration } from '../rules/duration.ts';
import { ago, severityWord, times } from '../slack/words.ts';

/** How an incident is called, if it is still known. */
export type TitleOf = (incident: string) => string | undefined;

export function describeDecision(decision: Decision, titleOf: TitleOf): string {
  const what = wordsFor(decision.reason)(decision, titleOf);
  return `${what}${ruleInWords(decision, BUILT_IN[decision.reason])}`;
}

/** ` (quiet.yaml:9: The autoscaler needs 8 minutes)` */
export function ruleInWords(
  { rule, why }: Pick<Decision, 'rule' | 'why'>,
  builtIn = 'built-in default',
): string {
  if (rule === undefined) return why === undefined ? '' : ` (${trimmed(why)})`;
  const name = rule === 'built-in' ? builtIn : rule;
  return why === undefined ? ` (${name})` : ` (${name}: ${trimmed(why)})`;
}

/** Which default decided, where no file states a rule. */
const BUILT_IN: Partial<Record<Reason, string>> = {
  opened: 'built-in correlation',
  joined: 'built-in correlation',
  merged: 'built-in correlation',
  flapping: 'built-in flap rule',
  calmed: 'built-in flap rule',
  transient: 'built-in hold',
  told: 'built-in hold',
  dropped: 'built-in route',
  digested: 'built-in route',
  chronic: 'built-in rule for what is chronic',
  stormed: 'built-in hold',
};

function trimmed(why: string): string {
  return why.trim().replace(/\.$/, '');
}

type Words = (decision: Decision, titleOf: TitleOf) => string;

/** `what: because`, or `what` alone. */
function said(what: string): Words {
  return ({ because }) => (because === undefined ? what : `${what}: ${because}`);
}

function about(what: string): Words {
  return ({ incident, because }, titleOf) => {
    const reason = because === undefined ? '' : `: ${because}`;
    return `${what} ${incidentInWords(incident, titleOf)}${reason}`;
  };
}

/** Only the fact: it says all by itself. */
function fact(what: string): Words {
  return ({ because }) => because ?? what;
}

const WORDS = {
  repeat: said('the same firing again'),
  stale: said('set aside as out of date'),
  quarantined: said('not understood, kept for inspection'),
  heartbeat: said('taken as a sign of life'),
  silenced: said('silenced'),
  inhibited: said('inhibited, not told while this fires'),
  opened: about('opened'),
  joined: (decision, titleOf) => {
    const reason = decision.because === undefined ? '' : `: ${decision.because}`;
    return `joined ${incidentInWords(decision.incident, titleOf)}, not told by itself${reason}`;
  },
  changed: said('the same firing, changed'),
  refired: about('fired again, in'),
  damped: said('fired again while flapping, not told'),
  resolved: said('resolved by its source'),
  expired: said('taken as resolved'),
  unsilenced: said('no longer silenced, and still firing'),
  uninhibited: said('no longer inhibited, and still firing'),
  'silence-set': said('silenced'),
  'silence-over': said('a silence ended'),
  flapping: said('flapping from now on: its transitions are not told'),
  calmed: said('no longer flapping'),
  told: released,
  transient: said('never told'),
  dropped: about('told nobody of'),
  digested: about('left for the digest:'),
  chronic: about('left for the digest:'),
  stormed: about('told as part of the storm:'),
  rerooted: said('another likely cause'),
  merged: fact('became part of another incident'),
  split: fact('made an incident of its own'),
  'kept-apart': ({ because }) => `kept apart from incident ${because ?? 'another'}`,
  'too-large': ({ because }) => `not made one with incident ${because ?? 'another'}`,
  worsened: said('worse than when it was told'),
  escalated: said('escalated'),
  reopened: about('opened again:'),
  ended: about('ended:'),
  acknowledged: said('acknowledged'),
  unacknowledged: said('acknowledgement taken back'),
  solved: said('said to be solved'),
  refuted: said('said to be solved, but it is not'),
  snoozed: said('snoozed'),
  'not-actionable': said('said to be not worth an alert'),
  'taken-back': said('taken back'),
  delivered,
  undeliverable: fact('Slack will not take the message'),
  reposted: said('posted anew'),
  'source-lost': said('heartbeat lost'),
  'source-back': said('heartbeat back'),
  'storm-began': said('a storm began'),
  'storm-ended': said('the storm is over'),
  ignored: said('ignored'),
} satisfies Record<Reason, Words>;

/** What a later version noted is said as that calls it. */
function wordsFor(reason: Reason): Words {
  return Object.hasOwn(WORDS, reason) ? WORDS[reason] : said(reason);
}

function delivered({ because }: Decision): string {
  if (because?.startsWith(SHOWN) === true) return because;
  return `posted: Slack has the message${because === undefined ? '' : `, ${because}`}`;
}

/** A digest has no incident of its own. */
function released({ incident, because }: Decision, titleOf: TitleOf): string {
  if (because?.startsWith(BESIDE) === true) return `told ${because}`;
  const what =
    incident === undefined
      ? 'a message was ordered'
      : `a message was ordered for ${incidentInWords(incident, titleOf)}`;
  return because === undefined ? `released: ${what}` : `released because ${because}: ${what}`;
}

function incidentInWords(id: string | undefined, titleOf: TitleOf): string {
  if (id === undefined) return 'an incident';
  const title = titleOf(id);
  return title === undefined ? `incident ${id}` : `incident ${id} "${title}"`;
}

// ---------------------------------------------------------------------------------------------

interface StateInWords {
  readonly alert: Alert;
  readonly incident: Incident | undefined;
  readonly title: string | undefined;
  /** Slack user id -> name. */
  readonly people: People;
  readonly now: Instant;
  /** What Slack did so far with the message of an incident, where that is known. */
  readonly missed: ((incident: string) => string | undefined) | undefined;
}

/** How things stand, most important first: one sentence each. */
export function describeState(about: StateInWords): readonly string[] {
  const { alert, now } = about;
  const sentences = [whetherFiring(alert, now)];
  if (alert.muted !== undefined) {
    sentences.push(mutedInWords(alert.muted, now));
  }
  sentences.push(...whetherTold(about));
  if (about.incident !== undefined) sentences.push(...whoIsOnIt(about.incident, about));
  if (alert.flap?.flapping === true) {
    sentences.push(`It flaps: its transitions are not told until it calms down.`);
  }
  return sentences;
}

/** Another alert inhibits it for as long as that fires, and nobody knows how long that is. */
function mutedInWords({ by, until, rule, why, inhibitor }: Muted, now: Instant): string {
  const ruled = ruleInWords({ rule, why });
  return inhibitor === undefined
    ? `Silenced by ${by} until ${momentInWords(until, now)}${ruled}.`
    : `Inhibited by ${by}${ruled}: nobody is told of it while that fires, or another that the rule names.`;
}

function whetherFiring(alert: Alert, now: Instant): string {
  const again = alert.episodes > 1 ? `, fired ${times(alert.episodes)} so far` : '';
  if (alert.status === 'firing') return `Firing for ${duration(now - alert.since)}${again}.`;
  if (alert.endsAt === undefined && alert.resolvedAt !== undefined) {
    return `Taken as resolved ${ago(alert.resolvedAt, now)}, because its source stopped mentioning it${again}.`;
  }
  return `Resolved ${ago(alert.resolvedAt ?? now, now)}${again}.`;
}

function whetherTold({ alert, incident, title, now, missed }: StateInWords): readonly string[] {
  if (incident === undefined) return [];
  const named = incidentInWords(incident.id, () => title);
  const hold = holdInWords(alert, now);
  switch (incident.toldIn) {
    case undefined:
      return incident.phase === 'resolved'
        ? [`It was part of ${named}, which was over before it was worth telling.`, ...hold]
        : [`It is part of ${named}, which nobody was told of yet.`, ...hold];
    case 'message':
      return [`It is part of ${named}${told(incident, now)}.`, ...whetherInSlack(incident, missed)];
    case 'digest':
      return [
        `It is part of ${named}, which is told in the digest${channelOf(incident)}${incident.route?.isChronic === true ? ` because ${incident.toldBecause}` : ruleOfRoute(incident)}.`,
      ];
    case 'thread':
      return [
        `It is part of ${named}, which was told in the thread of another${channelOf(incident)}.`,
      ];
    case 'storm':
      return [`It is part of ${named}, which was told as part of a storm.`];
    case 'nowhere':
      return [`It is part of ${named}, which its route tells nobody${ruleOfRoute(incident)}.`];
  }
}

/** Said only while it is not. */
function whetherInSlack(incident: Incident, missed: Readers['missed']): readonly string[] {
  const { id, toldIn, message, mergedInto, sentRevision } = incident;
  if (toldIn !== 'message' || message !== undefined || mergedInto !== undefined) return [];
  if (sentRevision !== undefined) return ['Slack refused the message.'];
  const so = missed?.(id);
  return [`Slack does not have the message yet${so === undefined ? '' : `, ${so}`}.`];
}

function told(incident: Incident, now: Instant): string {
  const because = incident.toldBecause === undefined ? '' : ` because ${incident.toldBecause}`;
  const at =
    incident.toldAt === undefined ? '' : `, told at ${momentInWords(incident.toldAt, now)}`;
  const over = incident.phase === 'resolved' ? ', and over by now' : '';
  return `${at}${channelOf(incident)}${because}${over}`;
}

function channelOf({ route }: Incident): string {
  return route === undefined ? '' : ` in ${route.channel}`;
}

function ruleOfRoute({ route }: Incident): string {
  return route === undefined ? '' : ruleInWords(route, 'built-in route');
}

/** Time that it fired before it was heard of counts. */
export function heldFor({ heldUntil, since, startsAt }: Alert): string {
  const before = since - startsAt;
  if (before < 1_000) return exactDuration(heldUntil - since);
  return `${exactDuration(heldUntil - startsAt)} from when it began`;
}

/** What is held, or was over before its hold: how long, by which rule, and what would have told it. */
function holdInWords(alert: Alert, now: Instant): readonly string[] {
  const { heldUntil, since, facts, holdRule, holdWhy } = alert;
  if (heldUntil <= since) return [];
  const rule = ruleInWords(
    { rule: holdRule, why: holdWhy },
    `built-in hold of ${severityWord(facts.severity)}`,
  );
  const held = `held for ${heldFor(alert)}${rule}`;
  const until = momentInWords(heldUntil, now);
  if (alert.status === 'resolved') {
    const wasShort = (alert.resolvedAt ?? now) < heldUntil;
    return wasShort
      ? [`It was ${held}: it would have been told if it had lasted until ${until}.`]
      : [];
  }
  return heldUntil <= now ? [] : [`It is ${held}: it is told at ${until} if it still fires then.`];
}

type Readers = Pick<StateInWords, 'people' | 'now' | 'missed'>;

/** How an incident stands: one sentence each. */
export function describeIncident({
  incident,
  ...readers
}: Readers & { readonly incident: Incident }): readonly string[] {
  const { now } = readers;
  const { mergedInto, phase, resolvedAt, toldIn, toldAt } = incident;
  const stands =
    resolvedAt === undefined ? `It is ${phase}.` : `It was resolved ${ago(resolvedAt, now)}.`;
  const state = mergedInto === undefined ? stands : `It became part of incident ${mergedInto}.`;
  if (toldAt === undefined) {
    const never =
      resolvedAt === undefined ? 'Nobody was told of it yet.' : 'Nobody was told of it.';
    return mergedInto === undefined ? [state, never] : [state];
  }
  const because = incident.toldBecause === undefined ? '' : ` because ${incident.toldBecause}`;
  const where = TOLD_IN[toldIn ?? 'message'];
  const told = `${where}${channelOf(incident)} at ${momentInWords(toldAt, now)}${because}; routed by ${routeOf(incident)}.`;
  return [
    state,
    told,
    ...whetherInSlack(incident, readers.missed),
    ...whoIsOnIt(incident, readers),
  ];
}

const TOLD_IN = {
  message: 'It was told',
  digest: 'It was left for the digest',
  thread: 'It was told in the thread of another',
  storm: 'It was told as part of a storm',
  nowhere: 'Its route told nobody',
} as const satisfies Record<NonNullable<Incident['toldIn']>, string>;

function routeOf({ route }: Incident): string {
  return route === undefined || route.rule === 'built-in' ? 'the built-in route' : route.rule;
}

function whoIsOnIt({ acknowledged, solved, snoozed }: Incident, { people, now }: Readers) {
  const name = (user: string): string => people.get(user) ?? user;
  const sentences = acknowledged.map(
    ({ user, at }) => `Acknowledged by ${name(user)} at ${momentInWords(at, now)}.`,
  );
  if (solved !== undefined)
    sentences.push(
      `${name(solved.user)} said at ${momentInWords(solved.at, now)} that it is solved.`,
    );
  if (snoozed !== undefined && snoozed.until > now) {
    const until = momentInWords(snoozed.until, now);
    sentences.push(`Quiet until ${until}, as ${name(snoozed.by)} asked.`);
  }
  return sentences;
}

const DAY_MS = 86_400_000;

/** `02:43:07 UTC`, with its day when that is another one than `now`. */
export function momentInWords(at: Instant, now: Instant): string {
  if (!Number.isFinite(at)) return 'it is lifted';
  const [day = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  const isToday = Math.floor(at / DAY_MS) === Math.floor(now / DAY_MS);
  return isToday ? `${time} UTC` : `${day} ${time} UTC`;
}
