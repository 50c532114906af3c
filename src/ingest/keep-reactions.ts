/**
 * What people say with reactions, kept beside what came in: with the alerts that the message stood
 * for, because other rules may make other incidents of them.
 */
import type { Lane } from '../lane.ts';
import type { Event, Incident, Instant } from '../model.ts';
import { messageKey } from '../state.ts';

type Reaction = Extract<Event, { readonly kind: 'reaction' }>;

/** Alerts named in one line; enough to find the incident again. */
const ALERTS_MAX = 100;

/** The lane itself, whose accepted reactions are also handed to `keep` as lines of a recording. */
export function keepReactions(lane: Lane, keep: (at: Instant, line: string) => void): Lane {
  const submit = async (at: Instant, events: readonly Event[]): Promise<void> => {
    const lines = events.flatMap((event) =>
      event.kind === 'reaction' ? (reactionLine(lane, event, at) ?? []) : [],
    );
    await lane.submit(at, events);
    for (const line of lines) keep(at, line);
  };
  return Object.create(lane, { submit: { value: submit } }) as Lane;
}

/** Undefined for one that says nothing, or nothing new: Slack is asked again after each connection. */
function reactionLine(lane: Lane, reaction: Reaction, at: Instant): string | undefined {
  const incident = incidentOf(lane, reaction);
  const gesture = lane.rules.gestures.get(reaction.emoji);
  if (incident === undefined || gesture === undefined) return undefined;
  const known = incident.reactions[`${reaction.user} ${gesture}`];
  if (known !== undefined && known.orderedAt >= reaction.orderedAt) return undefined;
  const { state } = lane;
  const alerts = [...(state.members.get(incident.id) ?? [])]
    .slice(0, ALERTS_MAX)
    .flatMap((fingerprint) => state.alerts.get(fingerprint) ?? [])
    .map(({ source, labels }) => ({ source, labels }));
  const removed = reaction.added ? {} : { removed: true };
  return `${JSON.stringify({
    at: new Date(at).toISOString(),
    reaction: reaction.emoji,
    incident: incident.id,
    user: reaction.user,
    ...removed,
    alerts,
  })}\n`;
}

function incidentOf({ state }: Lane, { on }: Reaction): Incident | undefined {
  const id = 'incident' in on ? on.incident : state.byMessage.get(messageKey(on.channel, on.ts));
  const incident = state.incidents.get(id ?? '');
  return incident?.mergedInto === undefined ? incident : state.incidents.get(incident.mergedInto);
}
