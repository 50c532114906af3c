/**
 * Transaction IDs: what one request carried through many services.
 *
 * IDs are brought to one shape (lower case, a UUID without dashes, the trace ID of a `traceparent`),
 * so that two tools that write the same ID differently still agree. What cannot tell two requests
 * apart (`unknown`, all zeros, a few characters) is no ID.
 */
import type { ReceivedAlert } from '../model.ts';
import { type FactSource, annotations, labels, own, texts } from './fact-source.ts';

/** An alert links by at most this many. */
export const TRANSACTIONS_MAX = 8;
const SHORTEST = 6;
const LONGEST = 128;
const NO_IDS: ReadonlySet<string> = new Set([
  'unknown',
  'undefined',
  'null',
  'none',
  'nil',
  'n/a',
  'default',
  'missing',
  'not-set',
  'notset',
  'not_set',
  'no-trace',
]);
const NONE: readonly string[] = Object.freeze([]);

const NAMES = [
  'transaction_id',
  'transactionId',
  'trace_id',
  'traceId',
  'traceID',
  'x_request_id',
  'request_id',
  'correlation_id',
  'traceparent',
] as const;

/** `transaction_id=...` anywhere in the text, and anything that looks like `tid_...`. */
function findWritten(text: string): readonly string[] {
  const named = text.includes('transaction_id=');
  const short = text.includes('tid_');
  if (!named && !short) return NONE;
  const found: string[] = [];
  if (named) for (const [, id = ''] of text.matchAll(/transaction_id=(\S+)/g)) found.push(id);
  if (short)
    for (const [id] of text.matchAll(/(?<![\w:-])tid_[^\s"'<>,;()[\]{}|]+/g)) found.push(id);
  return found;
}

export const DEFAULT_TRANSACTIONS: readonly FactSource[] = [
  ...labels(...NAMES),
  ...annotations(...NAMES),
  { kind: 'text', find: findWritten },
];

/** All sources count, not only the first that is there: an alert may tell of several requests. */
export function transactionsOf(
  sources: readonly FactSource[],
): (alert: ReceivedAlert) => readonly string[] {
  const inLabels = sources.flatMap((s) => (s.kind === 'label' ? [s.name] : []));
  const inAnnotations = sources.flatMap((s) => (s.kind === 'annotation' ? [s.name] : []));
  const inText = sources.flatMap((s) => (s.kind === 'text' ? [s.find] : []));
  return (alert) => {
    let found: string[] | undefined;
    for (const name of inLabels) {
      const value = own(alert.labels, name);
      if (value !== undefined) found = collect(value, found);
    }
    for (const name of inAnnotations) {
      const value = own(alert.annotations, name);
      if (value !== undefined) found = collect(value, found);
    }
    if (inText.length > 0) {
      for (const text of texts(alert)) {
        for (const find of inText) for (const id of find(text)) found = collect(id, found);
      }
    }
    return found ?? NONE;
  };
}

/** One value may list several IDs. */
function collect(value: string, found: string[] | undefined): string[] | undefined {
  if (!/[\s,]/.test(value)) return add(value, found);
  let list = found;
  for (const part of value.split(/[\s,]+/, TRANSACTIONS_MAX)) list = add(part, list);
  return list;
}

function add(raw: string, found: string[] | undefined): string[] | undefined {
  if (found !== undefined && found.length >= TRANSACTIONS_MAX) return found;
  const id = normaliseTransaction(raw);
  if (id === undefined) return found;
  if (found === undefined) return [id];
  if (!found.includes(id)) found.push(id);
  return found;
}

/** The one shape of an ID; undefined for what is none. */
export function normaliseTransaction(raw: string): string | undefined {
  if (raw.length > LONGEST * 2) return undefined;
  let id = raw.toLowerCase().replace(/^["'([{<]+|["'.,;:!?)\]}>]+$/g, '');
  const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(id);
  if (traceparent?.[1] !== undefined) id = traceparent[1];
  else if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) id = id.replaceAll('-', '');
  if (id.length < SHORTEST || id.length > LONGEST) return undefined;
  if (NO_IDS.has(id) || /^[-0_.:]*$/.test(id)) return undefined;
  return id;
}
