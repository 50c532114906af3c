/**
 * What alerts take of memory, about: what their sources say of themselves can be a hundred bytes or ten
 * million, so to count alerts does not bound it.
 *
 * An estimate, of lengths alone: a character counts as one byte, although one beyond Latin takes two, and a text
 * that two alerts share counts twice. It is kept up to date by whoever puts an alert into the state, and costs
 * nothing where the texts stay the same.
 */
import type { Alert, Event, Facts, Labels, ReceivedAlert } from '../model.ts';

/** In bytes, about. */
export interface Weights {
  /** Of all alerts in memory. */
  all: number;
  /** Of those of them that fire. */
  firing: number;
  /** Of those that changed since the last commit, with what else is written and may be long. */
  changed: number;
}

/**
 * What a label takes beside its characters: its place, and the heads of two texts. Twice that where every alert has
 * names of its own, and half where all have the same.
 */
const ENTRY = 96;

/**
 * What changes between two commits, about. A commit is one record, of limited size, and writing it keeps others
 * waiting. What does not fit goes into the next.
 */
const CHANGES_BYTES_MAX = 2 * 1024 * 1024;

/** No more should be changed before the next commit. */
export function isHeavy({ changed }: Weights): boolean {
  return changed >= CHANGES_BYTES_MAX;
}

/** Of what its source says. */
export function weightOf({
  labels,
  annotations,
  generatorURL = '',
}: Pick<ReceivedAlert, 'labels' | 'annotations' | 'generatorURL'>): number {
  return weightOfTexts(labels) + weightOfTexts(annotations) + generatorURL.length;
}

/** What an event takes beside its texts. */
const EVENT = 256;

/** Where a part of so many bytes ends that begins at `from`: it has one event at least. */
export function endOfPart(events: readonly Event[], from: number, bytes: number): number {
  let weight = 0;
  let end = from;
  for (; end < events.length && weight < bytes; end++) {
    const event = events[end];
    weight += EVENT + (event?.kind === 'alert' ? weightOf(event.alert) : 0);
  }
  return end;
}

function weightOfTexts(texts: Labels): number {
  let weight = 0;
  for (const name in texts) weight += ENTRY + name.length + (texts[name] ?? '').length;
  return weight;
}

function weightOfFacts(facts: Facts): number {
  const { name, service, environment, host = '', runbook = '', dashboard = '' } = facts;
  let weight = name.length + service.length + environment.length;
  weight += host.length + runbook.length + dashboard.length;
  for (const id of facts.transactions) weight += ENTRY + id.length;
  return weight;
}

/** An alert takes the place of what was known of it; undefined: nothing was, or it is forgotten. */
export function weigh(weights: Weights, before: Alert | undefined, after: Alert | undefined): void {
  const isSame = before !== undefined && after !== undefined && sayTheSame(before, after);
  if (isSame && before.status === after.status) return;
  const was = before === undefined ? 0 : whole(before);
  const is = isSame ? was : after === undefined ? 0 : whole(after);
  weights.all += is - was;
  if (before?.status === 'firing') weights.firing -= was;
  if (after?.status === 'firing') weights.firing += is;
}

function whole(alert: Alert): number {
  return weightOf(alert) + weightOfFacts(alert.facts);
}

/** What did not change is kept, not copied. */
function sayTheSame(one: Alert, other: Alert): boolean {
  return (
    one.labels === other.labels &&
    one.annotations === other.annotations &&
    one.facts === other.facts &&
    one.generatorURL === other.generatorURL
  );
}
