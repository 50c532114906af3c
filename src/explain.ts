/**
 * Decisions in plain words: the one wording that the API, the page and `quell explain` share. Pure.
 *
 * A sentence says what was done, then why, then the rule with its `why:`. What decisions quote comes
 * from outside and may contain anything: whoever shows it escapes it.
 */
import type { Alert, Decision, Incident, Instant, Reason } from './model.ts';
import { ago, duration, times } from './slack/words.ts';

/** How an incident is called, if it is still known. */
export type TitleOf = (incident: string) => string | undefined;

export function describeDecision(decision: Decision, titleOf: TitleOf): string {
  const said = WORDS[decision.reason](decision, titleOf);
  return `${said}${ruleInWords(decision)}`;
}

/** ` (quiet.yaml:9: The autoscaler needs 8 minutes)` */
function ruleInWords({ rule, why }: Pick<Decision, 'rule' | 'why'>): string {
  if (rule === undefined) return why === undefined ? '' : ` (${trimmed(why)})`;
  const name = rule === 'built-in' ? 'default' : rule;
  return why === undefined ? ` (${name})` : ` (${name}: ${trimmed(why)})`;
}

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
  flapping: said('flapping from now on: its transitions are not told'),
  calmed: said('no longer flapping'),
  told: about('a message was ordered for'),
  transient: said('never told'),
  dropped: about('told nobody of'),
  digested: about('left for the digest:'),
  stormed: about('told as part of the storm:'),
  rerooted: said('another likely cause'),
  merged: fact('became part of another incident'),
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
  delivered: said('Slack has the message'),
  undeliverable: said('Slack will not take the message'),
  reposted: said('posted anew'),
  'source-lost': said('heartbeat lost'),
  'source-back': said('heartbeat back'),
  'storm-began': said('a storm began'),
  'storm-ended': said('the storm is over'),
  ignored: said('ignored'),
} satisfies Record<Reason, Words>;

function incidentInWords(id: string | undefined, titleOf: TitleOf): string {
  if (id === undefined) return 'an incident';
  const title = titleOf(id);
  return title === undefined ? `incident ${id}` : `incident ${id} "${title}"`;
}

// ---------------------------------------------------------------------------------------------

export interface StateInWords {
  readonly alert: Alert;
  readonly incident: Incident | undefined;
  readonly title: string | undefined;
  readonly now: Instant;
  /** The `why:` of the rule that holds it. */
  readonly holdWhy: string | undefined;
}

/** How things stand, most important first: one sentence each. */
export function describeState(about: StateInWords): readonly string[] {
  const { alert, now } = about;
  const sentences = [whetherFiring(alert, now)];
  if (alert.muted !== undefined) {
    const { by, until, rule, why } = alert.muted;
    sentences.push(`Silenced by ${by} until ${iso(until)}${ruleInWords({ rule, why })}.`);
  }
  sentences.push(...whetherTold(about));
  if (alert.flap?.flapping === true) {
    sentences.push(`It flaps: its transitions are not told until it calms down.`);
  }
  return sentences;
}

function whetherFiring(alert: Alert, now: Instant): string {
  const again = alert.episodes > 1 ? `, fired ${times(alert.episodes)} so far` : '';
  if (alert.status === 'firing') return `Firing for ${duration(now - alert.since)}${again}.`;
  if (alert.endsAt === undefined && alert.resolvedAt !== undefined) {
    return `Taken as resolved ${ago(alert.resolvedAt, now)}, because its source stopped mentioning it${again}.`;
  }
  return `Resolved ${ago(alert.resolvedAt ?? now, now)}${again}.`;
}

function whetherTold({ alert, incident, title, now, holdWhy }: StateInWords): readonly string[] {
  if (incident === undefined) return [];
  const named = incidentInWords(incident.id, () => title);
  const hold = holdInWords(alert, holdWhy, now);
  switch (incident.toldIn) {
    case undefined:
      return incident.phase === 'resolved'
        ? [`It was part of ${named}, which was over before it was worth telling.`]
        : [`It is part of ${named}, which nobody was told of yet.`, ...hold];
    case 'message':
      return [`It is part of ${named}${told(incident)}.`];
    case 'digest':
      return [`It is part of ${named}, which goes into the digest${channelOf(incident)}.`];
    case 'thread':
      return [
        `It is part of ${named}, which was told in the thread of another${channelOf(incident)}.`,
      ];
    case 'storm':
      return [`It is part of ${named}, which was told as part of a storm.`];
    case 'nowhere':
      return [
        `It is part of ${named}, which its route tells nobody (${incident.route?.rule ?? ''}).`,
      ];
  }
}

function told(incident: Incident): string {
  const because = incident.toldBecause === undefined ? '' : ` because ${incident.toldBecause}`;
  const at = incident.toldAt === undefined ? '' : `, told at ${iso(incident.toldAt)}`;
  const over = incident.phase === 'resolved' ? ', and over by now' : '';
  return `${at}${channelOf(incident)}${because}${over}`;
}

function channelOf({ route }: Incident): string {
  return route === undefined ? '' : ` in ${route.channel}`;
}

function holdInWords(alert: Alert, why: string | undefined, now: Instant): readonly string[] {
  if (alert.status !== 'firing' || alert.heldUntil <= now) return [];
  const rule = ruleInWords({ rule: alert.holdRule, why });
  return [`It is told by itself if it still fires in ${duration(alert.heldUntil - now)}${rule}.`];
}

function iso(at: Instant): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : 'it is lifted';
}
