/**
 * Why something was done: the closed lists of reasons that a decision can have. Whoever reads decisions
 * (explain, the page, the metrics, replay) knows them all.
 *
 * Adding one: a line here, its words in explain/words.ts, which does not compile without, and docs/testing-rules.md.
 * By one for which nobody is told, rehearse/ledger.ts tells what a change of rules would hush.
 */

/** The closed list: each event of an alert ends in exactly one of these. */
export const VERDICTS = {
  repeat: 'the same firing again',
  stale: 'older than what is known of this alert',
  quarantined: 'not understood; kept for inspection',
  heartbeat: 'shows that the source is alive',
  silenced: 'muted by a silence or a maintenance window',
  inhibited: 'muted while another alert fires, by an inhibit rule',
  opened: 'the first of a new incident',
  joined: 'part of an incident',
  changed: 'the same firing with other labels, annotations or severity',
  refired: 'fired again within its incident',
  damped: 'fired again while flapping',
  resolved: 'its source says that it ended',
} as const;
export type Verdict = keyof typeof VERDICTS;

/** The closed list of what follows from an event, for an alert or an incident. */
export const CONSEQUENCES = {
  expired: 'no longer mentioned by its source: taken as resolved',
  unsilenced: 'the silence ended while it fires',
  uninhibited: 'what inhibited it ended while it fires',
  'silence-set': 'somebody silenced alerts',
  'silence-over': 'a silence ended',
  flapping: 'fires and resolves too often: its transitions are no longer told',
  calmed: 'no longer flaps',
  told: 'a message was ordered',
  transient: 'over before it was worth telling',
  dropped: 'its route says to tell nobody',
  digested: 'its route says to tell it in the digest',
  chronic: 'it fired for hours before and nobody acted: told in the digest',
  stormed: 'told as part of a storm',
  rerooted: 'another service is the likely cause now',
  merged: 'became part of another incident',
  split: 'somebody made an incident of its own of it',
  'kept-apart': 'somebody split their services before: they are not made one',
  'too-large':
    'one with another by evidence, but one of them has too many alerts to be moved at once',
  worsened: 'worse than when people were told: whom its route calls now is called',
  escalated: 'nobody acknowledged it in time',
  reopened: 'fires again',
  ended: 'all its alerts are resolved',
  acknowledged: 'somebody is on it',
  unacknowledged: 'nobody is on it any more',
  solved: 'somebody says that it is solved',
  refuted: 'said to be solved, but its source still fires',
  snoozed: 'quiet for a while, by somebody',
  'not-actionable': 'somebody says that it was not worth an alert',
  'taken-back': 'somebody took a reaction back',
  delivered: 'Slack has the message; or, without a Slack token, the page shows it',
  undeliverable: 'Slack will not take the message',
  reposted: 'its message was deleted: posted anew',
  'source-lost': 'a heartbeat stays away',
  'source-back': 'the heartbeat is back',
  'storm-began': 'more new alerts than anybody can read',
  'storm-ended': 'back to a rate that people can read',
  ignored: 'nothing that Quell knows',
} as const;
export type Consequence = keyof typeof CONSEQUENCES;
export type Reason = Verdict | Consequence;

/** Verdicts with which a firing begins, whatever becomes of it. */
export const BEGINNINGS: ReadonlySet<Reason> = new Set<Verdict>([
  'opened',
  'joined',
  'refired',
  'damped',
  'silenced',
  'inhibited',
]);

/** What links an alert to the incident that it joins. */
export type Evidence = 'transaction' | 'service' | 'dependency' | 'host' | 'labels' | 'time';

/** What a decision rests on, for who must tell it apart: evidence, a hold that it outlasted, a time interval of its route. */
export type Ground = Evidence | 'hold' | 'route';

/** For these nobody, or nobody at once, is told. */
export const KEPT_QUIET = [
  'transient',
  'digested',
  'chronic',
  'dropped',
  'silenced',
  'inhibited',
  'flapping',
] as const satisfies readonly Reason[];

/** What begins the facts of a `delivered` that went to the page, because there is no Slack. */
export const SHOWN = 'shown on the page';
/** And of a `told` that is a line in the thread of another message, whose incident follows. */
export const BESIDE = 'in the thread of ';
