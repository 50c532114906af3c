/**
 * The same news of an alert again: remembered, told to nobody, and no cause for a write unless it
 * says something that matters.
 */
import { rejoin } from '../correlate/place.ts';
import { beginsToInhibit } from '../life/inhibit.ts';
import { subjectOf } from '../life/lead.ts';
import type { Alert, Facts, ReceivedAlert, Verdict } from '../model.ts';
import { expiryOf, scheduleAlert } from '../life/schedule.ts';
import { areSameTexts } from '../state/texts.ts';
import { putAlert, refreshAlert } from '../state/state.ts';
import { note, type Turn } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';
import type { News } from './repeat.ts';

/** Transaction ids that one alert collects. */
const TRANSACTIONS_MAX = 8;

export function repeated(
  turn: Turn,
  known: Alert,
  received: ReceivedAlert,
  news: Extract<News, { kind: 'repeats' }>,
): Verdict {
  const { startsAt, endsAt } = news;
  const moved = startsAt !== known.startsAt || endsAt !== known.endsAt;
  // The end of a later firing, whose beginning is still on its way: it must not look like news then.
  const isLater = known.status === 'resolved' && startsAt > known.startsAt;
  const resolvedAt = isLater ? turn.now : known.resolvedAt;
  const expiresAt = received.status === 'firing' ? expiryOf(turn, received) : known.expiresAt;
  if (
    areSameTexts(known.annotations, received.annotations) &&
    areSameTexts(known.labels, received.labels)
  ) {
    const said = { startsAt, endsAt, expiresAt, resolvedAt };
    if (moved || expiresAt !== known.expiresAt) mention(turn, known, said, moved);
    return 'repeat';
  }
  const facts = newFacts(turn, known, received);
  const { labels, annotations, generatorURL } = received;
  const said = {
    startsAt,
    endsAt,
    expiresAt,
    resolvedAt,
    labels,
    annotations,
    generatorURL,
    facts,
  };
  if (facts === known.facts) {
    mention(turn, known, said, moved);
    return 'repeat';
  }
  return changed(turn, known, said);
}

/** Whether it can time out is kept; until when is not: a start gives it time anew. */
function mention(turn: Turn, known: Alert, said: Partial<Alert>, moved: boolean): void {
  const mentioned = alertWith(known, said);
  const isOther = (mentioned.expiresAt === undefined) !== (known.expiresAt === undefined);
  if (moved || isOther) putAlert(turn.state, mentioned);
  else refreshAlert(turn.state, mentioned);
  if (isOther) scheduleAlert(turn, mentioned);
}

type Said = Pick<
  Alert,
  | 'startsAt'
  | 'endsAt'
  | 'expiresAt'
  | 'resolvedAt'
  | 'labels'
  | 'annotations'
  | 'generatorURL'
  | 'facts'
>;

function changed(turn: Turn, known: Alert, said: Said): Verdict {
  const renewed = alertWith(known, said);
  const { fingerprint, startsAt, incident } = renewed;
  note(turn, 'changed', {
    fingerprint,
    service: said.facts.service,
    incident,
    because: 'it says something else of itself now',
  });
  const hold = turn.rules.hold(subjectOf(renewed));
  const heldUntil = Math.min(known.heldUntil, Math.max(turn.now, startsAt + hold.forMs));
  if (renewed.status === 'firing') {
    // It may inhibit others now, or be inhibited: where it stands then is where it stays.
    beginsToInhibit(turn, renewed);
    const stands = turn.state.alerts.get(fingerprint) ?? known;
    rejoin(turn, stands, alertWith(stands, { ...said, heldUntil }));
  } else putAlert(turn.state, renewed);
  return 'changed';
}

/**
 * What the source says of it now, if that is something else than before. That other rules would read
 * other facts out of the same words is no news: an episode goes on as it began.
 */
function newFacts(turn: Turn, known: Alert, received: ReceivedAlert): Facts {
  const heard = turn.rules.normalise(received);
  if (mergeFacts(known.facts, heard) === known.facts) return known.facts;
  const { source, status, startsAt, endsAt, labels, annotations, generatorURL } = known;
  const said = { source, status, startsAt, endsAt, labels, annotations, generatorURL };
  const before = turn.rules.normalise(said);
  if (mergeFacts(before, heard) === before) return known.facts;
  return mergeFacts(known.facts, heard);
}

/** The known facts themselves when nothing new was said. Transaction ids add up. */
function mergeFacts(known: Facts, heard: Facts): Facts {
  const fresh = heard.transactions.filter((id) => !known.transactions.includes(id));
  const same =
    fresh.length === 0 &&
    heard.severity === known.severity &&
    heard.service === known.service &&
    heard.environment === known.environment &&
    heard.host === known.host &&
    heard.runbook === known.runbook;
  if (same) return known;
  return { ...heard, transactions: [...known.transactions, ...fresh].slice(-TRANSACTIONS_MAX) };
}
