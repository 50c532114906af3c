/**
 * What people say with reactions: on it, solved, quiet for a while, not worth an alert. Taking a
 * reaction away takes it back, unless the same person says so with another one. Reactions come twice and
 * out of order: Slack's own time orders them.
 */
import type { Event, Gesture, Incident, Instant, Mark } from '../model.ts';
import { lastHeard, remember, saidAt, saidOtherwise, standing } from '../state/reactions.ts';
import { incidentAt, tallyOf } from '../state/state.ts';
import { change, note, type Turn, wakeIncident, noteIncident } from '../state/turn.ts';
import { heed, learnLate } from './chronic.ts';
import { orderReply } from './reply.ts';
import { armEscalation } from './escalation.ts';
import { show } from './show.ts';

type Reaction = Extract<Event, { kind: 'reaction' }>;

export function react(turn: Turn, reaction: Reaction): void {
  const gesture = turn.rules.gestures.get(reaction.emoji);
  const incident = incidentAt(turn.state, reaction.on);
  if (gesture === undefined || incident === undefined) {
    const isDeed = reaction.added && gesture !== undefined && gesture !== 'not-actionable';
    const chronic = isDeed ? heed(turn, reaction.on) : undefined;
    if (chronic !== undefined) {
      const because = `${reaction.user} reacted to what is chronic: it is a message again for a month`;
      return note(turn, 'acknowledged', { incident: chronic, because });
    }
    const what =
      gesture === undefined
        ? `:${reaction.emoji}: means nothing here`
        : 'its message is not ours, or is long over';
    return note(turn, 'ignored', { because: `reaction of ${reaction.user}: ${what}` });
  }
  const last = lastHeard(incident.reactions, reaction);
  if (last !== undefined && last.orderedAt >= reaction.orderedAt) {
    return note(turn, 'ignored', {
      incident: incident.id,
      because: 'a newer reaction of the same person is known',
    });
  }
  const remembered = change(turn, incident, {
    reactions: remember(incident.reactions, reaction),
  });
  if (!reaction.added && saidOtherwise(incident.reactions, reaction, turn.rules.gestures)) {
    return note(turn, 'ignored', {
      incident: incident.id,
      because: `another reaction of ${reaction.user} still says the same`,
    });
  }
  learnLate(turn, remembered);
  const mark = { user: reaction.user, at: turn.now };
  show(
    turn,
    reaction.added
      ? put(turn, remembered, gesture, { ...mark, emoji: reaction.emoji })
      : takeBack(turn, remembered, gesture, {
          ...mark,
          saidAt: saidAt(incident.reactions, reaction, turn.rules.gestures),
        }),
  );
}

function put(
  turn: Turn,
  incident: Incident,
  gesture: Gesture,
  { user, at, emoji }: Mark & { readonly emoji: string },
): Incident {
  const { now, rules } = turn;
  const mark = { user, at };
  switch (gesture) {
    case 'acknowledge': {
      noteIncident(turn, 'acknowledged', incident, `${user} is on it (:${emoji}:)`);
      return change(turn, incident, {
        acknowledged: [...without(incident.acknowledged, mark.user), mark],
        phase: incident.phase === 'resolved' ? 'resolved' : 'acknowledged',
        escalateAt: undefined,
      });
    }
    case 'solved': {
      noteIncident(turn, 'solved', incident, `${mark.user} says so`);
      // Who said so first has said it for all.
      if (incident.solved !== undefined) return incident;
      if (incident.phase === 'resolved') return change(turn, incident, { solved: mark });
      const verifyAt = now + rules.life.verifySolvedMs;
      wakeIncident(turn, incident.id, verifyAt);
      return change(turn, incident, { solved: mark, verifyAt, escalateAt: undefined });
    }
    case 'snooze': {
      const until = now + rules.life.snoozeMs;
      noteIncident(turn, 'snoozed', incident, `${mark.user} asked for quiet`);
      wakeIncident(turn, incident.id, until);
      return change(turn, incident, {
        snoozed: { by: mark.user, at: now, until, silence: undefined },
      });
    }
    case 'not-actionable': {
      noteIncident(turn, 'not-actionable', incident, `${mark.user} says so`);
      return change(turn, incident, {
        notActionable: [...without(incident.notActionable, mark.user), mark],
      });
    }
  }
}

/** `saidAt`: when they had said it, by Slack's clock. */
function takeBack(
  turn: Turn,
  incident: Incident,
  gesture: Gesture,
  mark: Mark & { readonly saidAt: Instant },
): Incident {
  switch (gesture) {
    case 'acknowledge': {
      const acknowledged = without(incident.acknowledged, mark.user);
      const left = acknowledged.length === 0;
      noteIncident(
        turn,
        left ? 'unacknowledged' : 'taken-back',
        incident,
        `${mark.user} is no longer on it`,
      );
      const phase = left && incident.phase === 'acknowledged' ? 'open' : incident.phase;
      const free = change(turn, incident, { acknowledged, phase });
      return left ? armEscalation(turn, free) : free;
    }
    case 'solved':
      noteIncident(turn, 'taken-back', incident, `${mark.user} no longer says that it is solved`);
      return noLongerSolved(turn, incident, mark);
    case 'snooze':
      noteIncident(turn, 'taken-back', incident, `${mark.user} no longer asks for quiet`);
      return noLongerSnoozed(turn, incident, mark.user);
    case 'not-actionable': {
      const because = `${mark.user} no longer says that it was not worth an alert`;
      noteIncident(turn, 'taken-back', incident, because);
      const notActionable = without(incident.notActionable, mark.user);
      return armEscalation(turn, change(turn, incident, { notActionable }));
    }
  }
}

/** Another one who said so since then still says so: it goes on in that name. */
function noLongerSolved(
  turn: Turn,
  incident: Incident,
  { user, saidAt }: { readonly user: string; readonly saidAt: Instant },
): Incident {
  if (incident.solved?.user !== user) return incident;
  const other = othersWho(turn, incident, 'solved').find(({ at }) => at >= saidAt);
  if (other !== undefined) return change(turn, incident, { solved: other });
  return armEscalation(turn, change(turn, incident, { solved: undefined, verifyAt: undefined }));
}

/** Quiet for as long as the last of those who still ask for it asked. A silence is not theirs to end. */
function noLongerSnoozed(turn: Turn, incident: Incident, user: string): Incident {
  const { snoozed } = incident;
  if (snoozed === undefined || snoozed.silence !== undefined || snoozed.by !== user)
    return incident;
  const other = othersWho(turn, incident, 'snooze').at(-1);
  const until = Math.min((other?.at ?? 0) + turn.rules.life.snoozeMs, snoozed.until);
  if (other === undefined || until <= turn.now)
    return armEscalation(turn, change(turn, incident, { snoozed: undefined }));
  wakeIncident(turn, incident.id, until);
  return change(turn, incident, {
    snoozed: { by: other.user, at: other.at, until, silence: undefined },
  });
}

/** Whose reactions of this meaning stand, oldest first; whoever took one back is not among them any more. */
function othersWho({ rules }: Turn, { reactions }: Incident, gesture: Gesture): readonly Mark[] {
  return standing(reactions)
    .filter(({ emoji }) => rules.gestures.get(emoji) === gesture)
    .map(({ user, orderedAt }) => ({ user, at: orderedAt }))
    .sort((one, other) => one.at - other.at);
}

/** Somebody said "solved" a while ago. The source has the last word. */
export function verifySolved(turn: Turn, incident: Incident): Incident {
  const { solved } = incident;
  const { firing } = tallyOf(turn.state, incident.id);
  const checked = change(turn, incident, { verifyAt: undefined });
  if (solved === undefined || firing === 0) return checked;
  noteIncident(turn, 'refuted', incident, `${firing} of its alerts still fire`);
  const phase = incident.acknowledged.length > 0 ? 'acknowledged' : 'open';
  const open = armEscalation(turn, change(turn, checked, { solved: undefined, phase }));
  const back = show(turn, open);
  return orderReply(turn, back, { kind: 'not-solved', user: solved.user, firing });
}

function without(marks: readonly Mark[], user: string): readonly Mark[] {
  return marks.filter((mark) => mark.user !== user);
}
