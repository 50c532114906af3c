/**
 * What the third world's firings meant: which happening each belongs to, and whether anybody had to act.
 */
import type { Fired, Happening } from './calls-run.ts';
import { STEPS_A_DAY, STEPS_A_MINUTE } from './calls-state.ts';
import { hash32 } from './random.ts';
import type { EventKind, Happening as Event } from './world.ts';

export interface Planned extends Happening {
  readonly kind: EventKind;
  readonly staging: boolean;
}

/** Warnings alone that are over by then were a blip to everybody. */
const BRIEF = 5 * STEPS_A_MINUTE;
/** What is critical for that long is an outage, whatever began it. */
const OUTAGE = 8 * STEPS_A_MINUTE;
/** Told later than that before its end, nobody can do anything about it. */
const TO_ACT = STEPS_A_MINUTE;
const OFTEN = 4;
const LONG = 3 * 60 * STEPS_A_MINUTE;

export interface Judged {
  readonly events: readonly Event[];
  readonly eventsOf: (fired: Fired) => string[];
}

export function judge(planned: readonly Planned[], fired: readonly Fired[]): Judged {
  const byId = new Map(planned.map((it) => [it.id, it]));
  const eventsOf = (it: Fired): string[] => {
    const causes = [...it.causes].flatMap((id) => byId.get(id) ?? []);
    const faults = causes.filter(({ isFault }) => isFault);
    const found = (faults.length > 0 ? faults : causes).map(({ id }) => id);
    return found.length === 0 ? [ownEventOf(it)] : found;
  };
  const firings = new Map<string, Fired[]>();
  for (const it of fired)
    for (const id of eventsOf(it)) firings.set(id, [...(firings.get(id) ?? []), it]);
  const events = [...firings].map(([id, own]): Event => {
    const cause = byId.get(id);
    return cause === undefined ? background(id, own) : judgeOne(cause, own);
  });
  return { events, eventsOf };
}

/** What fires without any happening is an event of its own for each rule and day. */
function ownEventOf({ watch, labels, from }: Fired): string {
  const { pod: _, ...lasting } = labels;
  const what = hash32(JSON.stringify(lasting)).toString(36);
  return `own-${watch.alertname}-${what}-${Math.floor(from / STEPS_A_DAY)}`;
}

function background(id: string, own: readonly Fired[]): Event {
  const lasts = own.reduce((sum, { from, to }) => sum + to - from, 0);
  const kind = own.length >= OFTEN ? 'flapping' : lasts >= LONG ? 'chronic' : 'transient';
  const staging = own.some(({ watch }) => watch.service?.staging === true);
  return {
    id,
    kind: staging ? 'non-production' : kind,
    actionable: false,
    environment: staging ? 'staging' : 'production',
    root: undefined,
  };
}

function judgeOne({ id, kind, staging, root, to }: Planned, own: readonly Fired[]): Event {
  const environment = staging ? 'staging' : 'production';
  if (staging) return { id, kind: 'non-production', actionable: false, environment, root };
  const first = Math.min(...own.map(({ from }) => from));
  const last = Math.max(...own.map((it) => it.to));
  const critical = own.filter(({ watch }) => watch.severity === 'critical');
  const isOutage = critical.some((it) => it.to - it.from >= OUTAGE);
  if (kind === 'transient' || kind === 'maintenance')
    return { id, kind: isOutage ? 'cascade' : kind, actionable: isOutage, environment, root };
  const isOver = first + TO_ACT > to;
  const isMild = critical.length === 0 && last - first < BRIEF;
  if ((isOver && !isOutage) || isMild)
    return { id, kind: 'brief', actionable: false, environment, root };
  const services = new Set(own.map(({ watch }) => watch.service?.key));
  const found = kind === 'cascade' && services.size === 1 ? 'single' : kind;
  return { id, kind: found, actionable: true, environment, root };
}
