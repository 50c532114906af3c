/**
 * How often an alert was heard while it fired, as the recording tells that is kept anyway: to count each
 * repeat when it comes would cost every repeat something, and hardly anybody asks.
 */
import { setImmediate } from 'node:timers/promises';
import { codeOf } from '../errors.ts';
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import type { Heard } from '../explain/chain.ts';
import { readLine } from '../ingest/recording.ts';
import { parseDelivery } from '../ingest/sources.ts';
import type { Alert, Instant } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import type { ReadRecording } from './recording.ts';

/** Of what fires for longer the last day is looked at. */
const SPAN_MAX_MS = 24 * 3_600_000;
/** Lines that are looked at for one answer, and those of them that are read whole. */
const LINES_MAX = 200_000;
const READ_MAX = 2_000;
/** What came in together has the instant of its request. */
const SKEW_MS = 50;

/** Undefined when nothing is kept of that time. */
export async function heardOf(
  read: ReadRecording | undefined,
  alert: Alert,
  rules: Rules,
  now: Instant,
): Promise<Heard | undefined> {
  if (read === undefined) return undefined;
  const until = (alert.resolvedAt ?? now) + 1;
  const from = Math.max(alert.since - SKEW_MS, until - SPAN_MAX_MS);
  try {
    const { times, lastAt, isWhole } = await count(read({ from, to: until }), alert, rules);
    const isAll = isWhole && from < alert.since;
    return times === 0 ? undefined : { times, lastAt, isAll };
  } catch (error) {
    // Nothing is kept, or it is forgotten this moment.
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

async function count(batches: AsyncIterable<readonly string[]>, alert: Alert, rules: Rules) {
  // Every delivery of it says this; few others do.
  const said = JSON.stringify(alert.labels['alertname'] ?? alert.facts.name).slice(1, -1);
  let times = 0;
  let lastAt = 0;
  let lines = 0;
  let reads = 0;
  for await (const texts of batches) {
    lines += texts.length;
    for (const text of texts.filter((one) => one.includes(said))) {
      const heardAt = ++reads > READ_MAX ? undefined : firingAt(text, alert, rules);
      if (heardAt === undefined) continue;
      times++;
      lastAt = heardAt;
    }
    if (lines > LINES_MAX || reads > READ_MAX) return { times, lastAt, isWhole: false };
    await setImmediate();
  }
  return { times, lastAt, isWhole: true };
}

/** When the delivery said that the alert fires; undefined when it did not. */
function firingAt(text: string, { fingerprint }: Alert, rules: Rules): Instant | undefined {
  const line = readLine(text, 1);
  if (line?.kind !== 'delivery') return undefined;
  const { at, source, body } = line;
  const parsed = parseDelivery(body, { source, delivery: '', at }, rules.mappings);
  if (parsed.kind === 'refused') return undefined;
  const isHeard = parsed.events.some((event) => {
    if (event.kind !== 'alert' || event.alert.status !== 'firing') return false;
    const { alert } = event;
    return fingerprintOf(alert.source, alert.labels, rules.notIdentity) === fingerprint;
  });
  return isHeard ? at : undefined;
}
