/**
 * What Slack said to an effect. An effect leaves the outbox only here.
 */
import {
  type DeliveryOutcome,
  type Event,
  type Incident,
  type Instant,
  type MessageRef,
  SHOWN,
} from '../model.ts';
import { forgetThoseOn, placeOfReply, replyAt } from '../state/reactions.ts';
import type { Digest } from '../state/small-records.ts';
import {
  change,
  note,
  orderDone,
  orderMessage,
  type Turn,
  wakeIncident,
  noteIncident,
} from '../state/turn.ts';
import { digestDelivered, moveDigest } from './digest.ts';

type Delivered = Extract<Event, { readonly kind: 'delivered' }>;
type Sent = Extract<DeliveryOutcome, { readonly kind: 'sent' }>;
type Refusal = Extract<DeliveryOutcome, { readonly kind: 'refused' }>;

/** A message that no channel takes. */
const AGAIN_MS = 5 * 60_000;
/** Replies whose reactions still count for the message. */
const REPLIES_MAX = 50;

export function delivered(turn: Turn, { effect, orderedAt, outcome }: Delivered): void {
  const [kind, id] = effect.split(':', 2);
  // Said twice, because the first time may not have been kept; and the next digest is on its way already.
  if (kind === 'digest' && isEarlier(turn.state.digests.get(id ?? ''), orderedAt)) return;
  const incident = turn.state.incidents.get(id ?? '');
  orderDone(turn, effect);
  if (kind === 'message' && incident !== undefined)
    return messageDelivered(turn, incident, outcome);
  if (kind === 'digest') return digestTaken(turn, id ?? '', outcome);
  if (outcome.kind === 'refused') {
    return note(turn, 'undeliverable', {
      incident: incident?.id,
      because: `Slack refused a ${kind}: ${outcome.error}`,
    });
  }
  if (outcome.kind === 'sent' && kind === 'reply' && incident !== undefined) {
    const reply = replyAt(incident.message, outcome.message);
    change(turn, incident, { replies: [...incident.replies, reply].slice(-REPLIES_MAX) });
  }
}

/** A digest begins anew with each order of it. */
function isEarlier(digest: Digest | undefined, orderedAt: Instant | undefined): boolean {
  return digest !== undefined && orderedAt !== undefined && orderedAt < digest.from;
}

function digestTaken(turn: Turn, channel: string, outcome: DeliveryOutcome): void {
  if (outcome.kind === 'refused') return digestRefused(turn, channel, outcome.error);
  digestDelivered(turn, channel, outcome.kind === 'sent' ? outcome.message : undefined);
}

/** It joins the digest of the channel where everything goes that no route names. */
function digestRefused(turn: Turn, channel: string, error: string): void {
  const { rootChannel } = turn.rules;
  const because = `Slack refused the digest of ${channel}: ${error}`;
  note(turn, 'undeliverable', { because });
  if (rootChannel !== channel) return moveDigest(turn, channel, rootChannel);
  digestDelivered(turn, channel, turn.state.digests.get(channel)?.message);
}

function messageDelivered(turn: Turn, before: Incident, outcome: DeliveryOutcome): void {
  const incident = newerThanShown(turn, before, outcome);
  switch (outcome.kind) {
    case 'sent': {
      const isUpdate = incident.message !== undefined;
      const known = change(turn, incident, {
        message: isSame(incident.message, outcome.message) ? incident.message : outcome.message,
        sentRevision: outcome.revision,
        updated: isUpdate ? { times: (incident.updated?.times ?? 0) + 1, at: turn.now } : undefined,
      });
      if (!isUpdate) {
        const channel = incident.route?.channel ?? outcome.message.channel;
        noteIncident(turn, 'delivered', incident, inWords(channel, outcome));
      }
      // Something newer was ordered meanwhile: its row stays until that is sent.
      if (outcome.revision < known.revision) orderMessage(turn, known);
      return;
    }
    case 'gone':
      // Nobody misses the pointer of an incident that became part of another: Slack has nothing to be told any more.
      if (incident.mergedInto !== undefined)
        return void change(turn, incident, { sentRevision: incident.revision });
      noteIncident(turn, 'reposted', incident, whyGone(outcome.error));
      orderMessage(turn, change(turn, incident, withoutMessage(incident)));
      return;
    case 'refused':
      return refused(turn, incident, outcome);
  }
}

function whyGone(error: string | undefined): string {
  const isArchived = error === 'is_inactive' || error === 'is_archived';
  return isArchived ? 'its channel was archived' : 'its message was deleted';
}

/**
 * Slack may have been shown something that was decided and never kept, by a process that numbered it far ahead.
 * What is kept now counts as newer.
 */
function newerThanShown(turn: Turn, incident: Incident, outcome: DeliveryOutcome): Incident {
  const shown = outcome.kind === 'gone' ? undefined : outcome.revision;
  if (shown === undefined || shown <= incident.revision) return incident;
  return change(turn, incident, { revision: shown + 1 });
}

/** What people said stays said, and has no reaction to be taken away any more. */
function withoutMessage({ message, replies, reactions }: Incident): Partial<Incident> {
  const lines = message === undefined ? [] : replies.map((one) => placeOfReply(message, one).ts);
  const gone = message === undefined ? [] : [message.ts, ...lines];
  return {
    message: undefined,
    sentRevision: undefined,
    replies: [],
    reactions: forgetThoseOn(reactions, gone),
  };
}

function isElsewhere({ message, route }: Incident, channel: string | undefined): boolean {
  return message === undefined && channel !== undefined && route?.channel !== channel;
}

/** A message that its channel will not take goes to the channel where everything goes that no route names. */
function refused(turn: Turn, unsent: Incident, refusal: Refusal): void {
  const { error, channel, revision = unsent.revision } = refusal;
  // Said twice, because the first time may not have been kept: it is on its way elsewhere by now.
  if (isElsewhere(unsent, channel)) return orderMessage(turn, unsent);
  const incident = change(turn, unsent, { sentRevision: revision });
  const { route } = incident;
  const { rootChannel } = turn.rules;
  const isPosted = incident.message !== undefined;
  const goesOn = route !== undefined && !isPosted && route.channel !== rootChannel;
  const isOpen = incident.phase === 'open';
  const none = `there is no other channel${isOpen ? ', so it is tried again' : ' to try'}`;
  const next = isPosted ? 'its message stays as it was' : none;
  note(turn, 'undeliverable', {
    incident: incident.id,
    because: `Slack refused ${isPosted ? 'an update of it' : 'it'} for ${route?.channel}: ${error}; ${goesOn ? `it goes to ${rootChannel} instead` : next}`,
  });
  if (!goesOn) {
    // Something newer was ordered meanwhile, as in `sent`: Slack may take that.
    if (revision < incident.revision) orderMessage(turn, incident);
    else if (!isPosted && isOpen) tryAgain(turn, incident);
    return;
  }
  const meantFor = { channel: route.channel, error };
  const rerouted = { ...route, channel: rootChannel, meantFor };
  orderMessage(turn, change(turn, incident, { route: rerouted, sentRevision: undefined }));
}

/** Nobody was told: the channel may be there again, or the bot in it. */
function tryAgain(turn: Turn, incident: Incident): void {
  const refreshAt = turn.now + AGAIN_MS;
  wakeIncident(turn, incident.id, refreshAt);
  change(turn, incident, { refreshAt });
}

function inWords(channel: string, { after, preview }: Sent): string {
  if (preview === true) return `${SHOWN}: without a Slack token nothing is posted in ${channel}`;
  return after === undefined ? `in ${channel}` : `in ${channel}, ${after}`;
}

function isSame(one: MessageRef | undefined, other: MessageRef): boolean {
  return one?.channel === other.channel && one.ts === other.ts;
}
