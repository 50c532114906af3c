/**
 * What people say, kept beside what came in. Reactions and requests with the alerts that the message
 * stood for, because other rules may make other incidents of them; silences as they were set.
 */
import type { Lane } from '../lane/lane.ts';
import { type Lanes, ownerOf } from '../lane/lanes.ts';
import type { Alert, Event, Incident, Instant, MessageRef } from '../model.ts';
import { lastHeard, saidOtherwise } from '../state/reactions.ts';
import { alertsOf, incidentAt } from '../state/state.ts';

type Reaction = Extract<Event, { readonly kind: 'reaction' }>;
type Request = Extract<Event, { readonly kind: 'request' }>;

/** Alerts named in one line; enough to find the incident again. */
const ALERTS_MAX = 100;

/** An incident that left memory, and its alerts. */
export interface Past {
  readonly incident: string;
  readonly alerts: readonly Pick<Alert, 'source' | 'labels'>[];
}

/** Whoever looks through the past takes time: so many reactions wait for that, and no more. */
const LATE_MAX = 100;

/**
 * The lanes themselves. What people say through them is, once accepted, handed to `keep` as lines of a recording.
 * `pastOf` finds the incident of an old message: what people say of a night they say in the morning.
 */
export function keepPeople(
  lanes: Lanes,
  keep: (at: Instant, line: string) => void,
  pastOf?: (message: MessageRef) => Promise<Past | undefined>,
): Lanes {
  let late: Promise<void> = Promise.resolve();
  let waiting = 0;

  /** One after another, and nobody waits for it. */
  function keepLate(at: Instant, reaction: Reaction, on: MessageRef): void {
    if (pastOf === undefined || waiting >= LATE_MAX) return;
    waiting++;
    late = late
      .then(async () => {
        const past = await pastOf(on);
        if (past !== undefined) keep(at, reactionIn(past.incident, past.alerts, reaction, at));
      })
      // The store cannot be read: what it would be kept beside is not there either.
      .catch(() => undefined)
      .finally(() => {
        waiting--;
      });
  }

  const submit = async (at: Instant, events: readonly Event[]): Promise<void> => {
    await lanes.caughtUp();
    const lines = events.flatMap((event) => lineOf(lanes, event, at) ?? []);
    const old = events.filter((event) => isOfOld(lanes, event));
    await lanes.submit(at, events);
    for (const line of lines) keep(at, line);
    for (const reaction of old)
      if (!('incident' in reaction.on)) keepLate(at, reaction, reaction.on);
  };
  return Object.create(lanes, { submit: { value: submit } }) as Lanes;
}

/** On a message whose incident left memory, or on one that was never ours. */
function isOfOld(lanes: Lanes, event: Event): event is Reaction {
  if (event.kind !== 'reaction' || 'incident' in event.on) return false;
  return ownerOf(lanes, event.on) === undefined && lanes.rules.gestures.has(event.emoji);
}

function lineOf(lanes: Lanes, event: Event, at: Instant): string | undefined {
  switch (event.kind) {
    case 'reaction':
      return reactionLine(lanes, event, at);
    case 'request':
      return requestLine(lanes, event, at);
    case 'silence':
      return lineAt(at, { silence: event.silence });
    case 'unsilence':
      return lineAt(at, { unsilence: event.id, by: event.by });
    case 'alert':
    case 'odd':
    case 'delivered':
    case 'tick':
    case 'started':
    case 'rules-changed':
      return undefined;
  }
}

function lineAt(at: Instant, said: object): string {
  return `${JSON.stringify({ at: new Date(at).toISOString(), ...said })}\n`;
}

function requestLine(lanes: Lanes, { text, user, on, orderedAt }: Request, at: Instant) {
  const lane = ownerOf(lanes, on);
  const incident = lane === undefined ? undefined : incidentAt(lane.state, on);
  if (lane === undefined || incident === undefined) return undefined;
  const alerts = namedIn(lane, incident);
  return lineAt(at, { request: text, incident: incident.id, user, orderedAt, alerts });
}

/** Undefined for one that says nothing, or nothing new: Slack is asked again after each connection. */
function reactionLine(lanes: Lanes, reaction: Reaction, at: Instant): string | undefined {
  const lane = ownerOf(lanes, reaction.on);
  const incident = lane === undefined ? undefined : incidentAt(lane.state, reaction.on);
  const gesture = lanes.rules.gestures.get(reaction.emoji);
  if (lane === undefined || incident === undefined || gesture === undefined) return undefined;
  const known = lastHeard(incident.reactions, reaction);
  if (known !== undefined && known.orderedAt >= reaction.orderedAt) return undefined;
  if (!reaction.added && saidOtherwise(incident.reactions, reaction, lanes.rules.gestures))
    return undefined;
  return reactionIn(incident.id, namedIn(lane, incident), reaction, at);
}

function reactionIn(
  incident: string,
  alerts: Past['alerts'],
  { emoji, user, added }: Reaction,
  at: Instant,
): string {
  const removed = added ? {} : { removed: true };
  const named = alerts.slice(0, ALERTS_MAX).map(({ source, labels }) => ({ source, labels }));
  return lineAt(at, { reaction: emoji, incident, user, ...removed, alerts: named });
}

function namedIn({ state }: Lane, { id }: Incident) {
  return [...alertsOf(state, id)]
    .slice(0, ALERTS_MAX)
    .map(({ source, labels }) => ({ source, labels }));
}
