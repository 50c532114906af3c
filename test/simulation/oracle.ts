/**
 * The oracle: what must be so, worked out from what truly fires, and from nothing that Quell computes.
 */
import type { Event } from '../../src/model.ts';
import type { Lane } from '../../src/lane/lane.ts';
import type { Store } from '../../src/store/contract.ts';
import { ENDED, type SlackMessage, type SlackWorld } from './slack.ts';

/** One check of one service, as it truly is. */
export interface Truth {
  readonly service: string;
  readonly severity: string;
  /** Start of the present or last firing; undefined: it never fired. */
  startsAt: number | undefined;
  endsAt: number | undefined;
  /** When Quell first answered a delivery of the present firing with a 2xx. */
  heardAt: number | undefined;
}

export function fires({ startsAt, endsAt }: Truth): boolean {
  return startsAt !== undefined && endsAt === undefined;
}

/** What a source would say of it now. */
export function announcement({ service, severity, startsAt = 0, endsAt }: Truth): Event {
  return {
    kind: 'alert',
    delivery: 'd',
    alert: {
      source: 'alertmanager',
      status: endsAt === undefined ? 'firing' : 'resolved',
      labels: { alertname: 'Broken', env: 'production', service, severity },
      annotations: {},
      startsAt,
      endsAt,
      generatorURL: undefined,
    },
  };
}

/** At any time: no message and no line of a thread stands in Slack twice. */
export function twice(messages: readonly SlackMessage[]): readonly string[] {
  const ids = messages.map(({ id }) => id);
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `posted twice: ${id}`);
}

/** Service -> services that inhibit it by the rules in force. */
export type Inhibitors = Readonly<Record<string, readonly string[]>>;

export interface Expected {
  readonly truths: readonly Truth[];
  readonly inhibitors: Inhibitors;
  /** By whichever rules were in force. */
  readonly always: Inhibitors;
}

/** In the end, when everything has been heard and nothing fails any more. */
export async function complaints(
  lane: Lane,
  store: Store,
  { truths, inhibitors, always }: Expected,
  slack: SlackWorld,
): Promise<readonly string[]> {
  const { messages, gone } = slack;
  const firingOf = (names: readonly string[] = []) =>
    truths.filter((one) => fires(one) && names.includes(one.service));
  const around = ({ service }: Truth): Around => ({
    inhibiting: firingOf(inhibitors[service]),
    always: firingOf(always[service]),
  });
  return [
    ...truths.flatMap((truth) => aboutTruth(lane, truth, around(truth), slack)),
    ...twice(messages),
    ...[...lane.state.digests.values()].flatMap(({ channel, sending }) =>
      sending === undefined ? [] : [`the digest of ${channel} is on its way for ever`],
    ),
    ...[...lane.state.open].flatMap((id) => aboutOpen(lane, id, truths)),
    ...[...lane.state.incidents.values()].flatMap((incident) => {
      const message = `message:${incident.id}`;
      const own = messages.filter(({ id }) => id === message);
      if (own.length === 0 && gone.has(message)) return [];
      return incident.toldIn === 'message' && incident.mergedInto === undefined && own.length !== 1
        ? [`${incident.id} was told in ${own.length} messages`]
        : [];
    }),
    ...(await aboutMessages(lane, store, messages)),
    ...messages.flatMap((message) => aboutEyes(lane, message)),
  ];
}

/** What is open is so because something fires: what came and went has been calm for long by now. */
function aboutOpen({ state }: Lane, id: string, truths: readonly Truth[]): readonly string[] {
  const members = [...(state.members.get(id) ?? [])].map(
    (fingerprint) => state.alerts.get(fingerprint)?.facts.service,
  );
  const isOn = truths.some((one) => fires(one) && members.includes(one.service));
  return isOn ? [] : [`${id} is open, and nothing of it fires`];
}

/** What fires beside it and inhibits it. */
interface Around {
  readonly inhibiting: readonly Truth[];
  readonly always: readonly Truth[];
}

function aboutTruth(
  { state }: Lane,
  truth: Truth,
  { inhibiting, always }: Around,
  { messages, gone }: SlackWorld,
): readonly string[] {
  const { service } = truth;
  const alert = [...state.alerts.values()].find(({ facts }) => facts.service === service);
  if ((alert?.status === 'firing') !== fires(truth)) {
    const so = fires(truth) ? 'fires' : 'does not fire';
    return [`${service} ${so}, but Quell has it ${alert?.status ?? 'not at all'}`];
  }
  if (!fires(truth)) return [];
  if (alert?.muted !== undefined) {
    return inhibiting.length > 0 && alert.incident === undefined
      ? []
      : [`${service} fires, and is muted by ${alert.muted.by}`];
  }
  if (always.some((source) => wasFirst(source, truth)))
    return [`${service} fires, and what inhibits it did before`];
  const incident = state.incidents.get(alert?.incident ?? '');
  if (incident?.phase !== 'open' && incident?.phase !== 'acknowledged')
    return [`${service} fires, its incident is ${incident?.phase}`];
  if (incident.toldIn === 'digest') {
    if (service !== DIGESTED) return [`${service} fires, and only a digest says so`];
    const isSaid = messages.some(
      ({ id, text }) => id.startsWith('digest:') && text.includes(service),
    );
    return isSaid ? [] : [`${service} fires, and no digest says so`];
  }
  const message = messages.find(({ id }) => id === `message:${incident.id}`);
  if (message === undefined) {
    return gone.has(`message:${incident.id}`)
      ? []
      : [`${service} fires, and nobody can read of it`];
  }
  return ENDED.test(message.text) ? [`${service} fires, and its message says it ended`] : [];
}

/** What belongs in a digest, by some of the rules. All else is to be told when it lasts, also if it joined that. */
const DIGESTED = 'newsletter';

/** Replicas date one firing up to a minute apart: what begins sooner may be the firing before. */
const SKEW_MS = 60_000;

/** Quell knew of it before the other began, so that there is nothing to be told of that. */
function wasFirst({ startsAt = 0, heardAt = Infinity }: Truth, other: Truth): boolean {
  const { startsAt: later = 0 } = other;
  return heardAt < later && startsAt + SKEW_MS < later;
}

/** A message in Slack says at last how things are, also long after Quell has put its incident away. */
async function aboutMessages(
  { state, name }: Lane,
  store: Store,
  messages: readonly SlackMessage[],
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { id, text } of messages) {
    const [kind, incidentId = ''] = id.split(':');
    if (kind !== 'message') continue;
    const kept = state.incidents.get(incidentId);
    const incident = kept ?? (await store.closedIncident(name, incidentId))?.incident;
    const isOver = incident?.phase === 'resolved' || incident?.mergedInto !== undefined;
    if (incident === undefined) wrong.push(`nobody knows the incident of ${id}`);
    else if (isOver !== ENDED.test(text)) {
      const says = ENDED.test(text) ? 'over' : 'on';
      wrong.push(`${incidentId} is ${incident.phase}, its message says that it is ${says}`);
    }
  }
  return wrong;
}

/** Who put 👀 on the message of what is not over is on it. When it re-opens, people are asked anew. */
function aboutEyes({ state }: Lane, { id, eyes }: SlackMessage): readonly string[] {
  const incident = state.incidents.get(id.slice('message:'.length));
  if (incident === undefined || incident.phase === 'resolved' || incident.reopened > 0) return [];
  return [...eyes]
    .filter((user) => !incident.acknowledged.some((mark) => mark.user === user))
    .map((user) => `${user} is on ${incident.id}, and nobody knows`);
}
