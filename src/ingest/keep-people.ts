/**
 * What people say, kept beside what came in. Reactions and requests with the alerts that the message
 * stood for, because other rules may make other incidents of them; silences as they were set.
 */
import type { Lane } from '../lane.ts';
import { type Lanes, ownerOf } from '../lanes.ts';
import type { Event, Incident, Instant } from '../model.ts';
import { lastHeard, saidOtherwise } from '../reactions.ts';
import { messageKey } from '../state.ts';

type Reaction = Extract<Event, { readonly kind: 'reaction' }>;
type Request = Extract<Event, { readonly kind: 'request' }>;

/** Alerts named in one line; enough to find the incident again. */
const ALERTS_MAX = 100;

/** The lanes themselves. What people say through them is, once accepted, handed to `keep` as lines of a recording. */
export function keepPeople(lanes: Lanes, keep: (at: Instant, line: string) => void): Lanes {
  const submit = async (at: Instant, events: readonly Event[]): Promise<void> => {
    await lanes.caughtUp();
    const lines = events.flatMap((event) => lineOf(lanes, event, at) ?? []);
    await lanes.submit(at, events);
    for (const line of lines) keep(at, line);
  };
  return Object.create(lanes, { submit: { value: submit } }) as Lanes;
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
  const incident = lane === undefined ? undefined : incidentOf(lane, on);
  if (lane === undefined || incident === undefined) return undefined;
  const alerts = alertsOf(lane, incident);
  return lineAt(at, { request: text, incident: incident.id, user, orderedAt, alerts });
}

/** Undefined for one that says nothing, or nothing new: Slack is asked again after each connection. */
function reactionLine(lanes: Lanes, reaction: Reaction, at: Instant): string | undefined {
  const lane = ownerOf(lanes, reaction.on);
  const incident = lane === undefined ? undefined : incidentOf(lane, reaction.on);
  const gesture = lanes.rules.gestures.get(reaction.emoji);
  if (lane === undefined || incident === undefined || gesture === undefined) return undefined;
  const known = lastHeard(incident.reactions, reaction, gesture);
  if (known !== undefined && known.orderedAt >= reaction.orderedAt) return undefined;
  if (!reaction.added && saidOtherwise(incident.reactions, reaction, lanes.rules.gestures))
    return undefined;
  const removed = reaction.added ? {} : { removed: true };
  const { emoji, user } = reaction;
  const alerts = alertsOf(lane, incident);
  return lineAt(at, { reaction: emoji, incident: incident.id, user, ...removed, alerts });
}

function alertsOf({ state }: Lane, { id }: Incident) {
  return [...(state.members.get(id) ?? [])]
    .slice(0, ALERTS_MAX)
    .flatMap((fingerprint) => state.alerts.get(fingerprint) ?? [])
    .map(({ source, labels }) => ({ source, labels }));
}

function incidentOf({ state }: Lane, on: Reaction['on']): Incident | undefined {
  const id = 'incident' in on ? on.incident : state.byMessage.get(messageKey(on.channel, on.ts));
  const incident = state.incidents.get(id ?? '');
  return incident?.mergedInto === undefined ? incident : state.incidents.get(incident.mergedInto);
}
