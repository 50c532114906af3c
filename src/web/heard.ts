/**
 * How often an alert was heard while it fired, as the recording tells that is kept anyway: to count each
 * repeat when it comes would cost every repeat something, and hardly anybody asks.
 */
import { setImmediate } from 'node:timers/promises';
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
  // Every delivery of it says this; few others do.
  const said = JSON.stringify(alert.labels['alertname'] ?? alert.facts.name).slice(1, -1);
  let [times, lastAt, lines, reads] = [0, 0, 0, 0];
  try {
    for await (const texts of read({ from, to: until })) {
      for (const text of texts) {
        lines++;
        if (!text.includes(said)) continue;
        const heardAt = ++reads > READ_MAX ? undefined : firingAt(text, alert, rules);
        if (heardAt === undefined) continue;
        times++;
        lastAt = heardAt;
      }
      if (lines > LINES_MAX || reads > READ_MAX) break;
      await setImmediate();
    }
  } catch (error) {
    // Nothing is kept, or it is forgotten this moment.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
  const isAll = from < alert.since && lines <= LINES_MAX && reads <= READ_MAX;
  return times === 0 ? undefined : { times, lastAt, isAll };
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
