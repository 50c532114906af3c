/**
 * What a parser of `ingest/` returns, and the readers that all parsers share.
 *
 * Validation is written by hand: it runs for every alert, and a schema library costs thirty times as
 * much. One alert that cannot be understood becomes an `odd` event beside the good ones; only a body
 * of a wrong shape as a whole is refused. Every problem names the field.
 */
import { over, SHAPE } from '../limits.ts';
import type { Event, Instant, Labels, ReceivedAlert } from '../model.ts';
import type { ReadTime } from './time.ts';

export interface DeliveryContext {
  readonly source: string;
  /** Correlates request, log lines and Slack calls. */
  readonly delivery: string;
  /** When it came in. */
  readonly at: Instant;
}

export type Parsed =
  | {
      readonly kind: 'parsed';
      /** Of kind `alert` or `odd`, in the order of the body. */
      readonly events: readonly Event[];
      /** Alerts that the source left out of the body: nothing may be concluded from their absence. */
      readonly truncated: number;
      /** What was left out of alerts that were taken, as a field that is not known. */
      readonly warnings?: readonly string[];
    }
  | { readonly kind: 'refused'; readonly field: string; readonly error: string };

/** A longer address of an alert's source is left out. */
const URL_MAX = 16_384;
const EXCERPT_MAX = 500;

/** A problem in words, with the field first: `alerts[3].labels: expected ...`. */
type Problem = string;
/** Nothing that is read this way is itself a string. */
export type Read<T extends object> = T | Problem;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isProblem(value: object | Problem): value is Problem {
  return typeof value === 'string';
}

export function problem(field: string, error: string): Problem {
  return `${field}: ${error}`;
}

/** What a value is, in the words of JSON. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : `"${value.slice(0, 40)}"`;
  return typeof value;
}

export function refused(field: string, error: string): Parsed {
  return { kind: 'refused', field, error: `${field}: ${error}` };
}

/** Reads each element with `read`; what it cannot read is kept as odd, what it reads as nothing is left out. */
export function readAlerts(
  list: readonly unknown[],
  context: DeliveryContext,
  read: (value: unknown, index: number) => Read<ReceivedAlert> | undefined,
): readonly Event[] {
  const { delivery, source } = context;
  const events: Event[] = [];
  for (let i = 0; i < list.length; i++) {
    const result = read(list[i], i);
    if (result === undefined) continue;
    if (isProblem(result)) {
      const excerpt = excerptOf(list[i]);
      events.push({ kind: 'odd', delivery, source, error: result, excerpt });
    } else events.push({ kind: 'alert', delivery, alert: result });
  }
  return events;
}

/** Undefined when the list may be taken. */
export function tooMany(list: readonly unknown[], field: string): Parsed | undefined {
  if (list.length <= SHAPE.alerts) return undefined;
  const error = `${list.length} alerts in one request, at most ${SHAPE.alerts}: send smaller batches`;
  return refused(field, over('alerts', error));
}

type Entries = 'labels' | 'annotations';

const VALUE_LIMITS = { labels: 'label-value', annotations: 'annotation-value' } as const;

/** Problems of labels and annotations, as the source sent them. The object itself is returned, not a copy. */
function readEntries(value: unknown, field: string, kind: Entries): Read<Labels> {
  if (!isObject(value)) {
    return problem(field, `expected an object of strings, got ${describe(value)}`);
  }
  const valueMax = SHAPE[VALUE_LIMITS[kind]];
  let count = 0;
  let characters = 0;
  for (const name in value) {
    const text = value[name];
    if (
      typeof text !== 'string' ||
      text.length > valueMax ||
      name.length > SHAPE['label-name'] ||
      ++count > SHAPE[kind] ||
      (characters += name.length + text.length) > SHAPE['alert-text']
    ) {
      return entryProblem(value, name, field, kind);
    }
  }
  // Every value was seen to be a string.
  return value as Labels;
}

function entryProblem(value: JsonObject, name: string, field: string, kind: Entries): Problem {
  const nameMax = SHAPE['label-name'];
  if (name.length > nameMax) {
    const start = `${name.slice(0, 40)}...`;
    const error = `the name "${start}" is ${name.length} characters long, at most ${nameMax}`;
    return problem(field, over('label-name', error));
  }
  const text = value[name];
  const place = `${field}.${name.slice(0, 80)}`;
  if (typeof text !== 'string') return problem(place, `expected a string, got ${describe(text)}`);
  const limit = VALUE_LIMITS[kind];
  if (text.length > SHAPE[limit]) {
    return problem(place, over(limit, `${text.length} characters long, at most ${SHAPE[limit]}`));
  }
  const count = Object.keys(value).length;
  if (count > SHAPE[kind])
    return problem(field, over(kind, `${count} entries, at most ${SHAPE[kind]}`));
  const textMax = SHAPE['alert-text'];
  return problem(field, over('alert-text', `more than ${textMax} characters together`));
}

/** Labels say who an alert is, so there is at least one. */
export function readIdentity(value: unknown, field: string): Read<Labels> {
  const labels = readEntries(value, field, 'labels');
  if (isProblem(labels)) return labels;
  return isEmpty(labels) ? problem(field, 'an alert has at least one label') : labels;
}

export function isEmpty(labels: Labels): boolean {
  for (const _ in labels) return false;
  return true;
}

/** Annotations may be left out; some senders write null for none. */
export function readAnnotations(value: unknown, field: string): Read<Labels> {
  if (value === undefined || value === null) return NO_LABELS;
  return readEntries(value, field, 'annotations');
}

const NO_LABELS: Labels = Object.freeze({});

/** A link is never a reason to quarantine an alert: what is no text is left out. */
export function readUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > URL_MAX) return undefined;
  return value;
}

/** What was odd, for inspection. Nesting too deep to write down is odd in itself. */
function excerptOf(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? '').slice(0, EXCERPT_MAX);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return 'nested too deeply to show';
  }
}

export function badTime(field: string, value: unknown): Problem {
  return problem(
    field,
    `expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got ${describe(value)}`,
  );
}

interface Rest {
  readonly context: DeliveryContext;
  readonly labels: ReceivedAlert['labels'];
  readonly annotations: ReceivedAlert['annotations'];
  readonly generatorURL: string | undefined;
}

/** The alert with what its source said about time; what it left out is counted from its arrival. */
export function dated(
  status: ReceivedAlert['status'],
  startsAt: Exclude<ReadTime, 'odd'>,
  endsAt: Exclude<ReadTime, 'odd'>,
  { context, labels, annotations, generatorURL }: Rest,
): ReceivedAlert {
  const { source, at } = context;
  const ended = endsAt === 'unset' ? undefined : endsAt;
  const end = status === 'resolved' ? (ended ?? at) : ended;
  if (startsAt !== 'unset') {
    return { source, status, labels, annotations, startsAt, endsAt: end, generatorURL };
  }
  const start = Math.min(ended ?? at, at);
  return {
    source,
    status,
    labels,
    annotations,
    startsAt: start,
    undated: true,
    endsAt: end,
    generatorURL,
  };
}
