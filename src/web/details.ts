/**
 * The whole story of one incident or one alert, for the API and for the pages.
 */
import { describeState, momentInWords, type TitleOf } from '../explain/words.ts';
import type { Lane } from '../lane.ts';
import { leadOf } from '../life/lead.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import { ago, nameOf } from '../slack/words.ts';
import type { Heartbeat } from '../small-records.ts';
import { incidentOf } from '../state.ts';
import type { ClosedIncident, Store } from '../store/contract.ts';
import { closedAlert, type LookBack, pastOfAlert, pastOfIncident } from './past.ts';
import {
  type AlertJson,
  alertShape,
  closedCounts,
  type DecisionJson,
  decisionShape,
  type IncidentJson,
  incidentShape,
  liveCounts,
  titleOf,
  viewOf,
} from './shapes.ts';

/** What is read of a lane: also of one that only lies on disk. */
export type LaneView = Pick<Lane, 'name' | 'state' | 'rules'>;

export interface DetailDeps {
  readonly store: Store;
  readonly now: () => Instant;
  readonly messageText: (incident: string) => string | undefined;
}

interface IncidentParts extends IncidentJson {
  /** The message as Slack shows it; null when it has none of its own, or left memory. */
  readonly text: string | null;
  /** At most `MEMBERS_MAX`; `alerts.total` counts all. */
  readonly members: readonly AlertJson[];
}
export interface IncidentDetail extends IncidentParts {
  readonly decisions: readonly DecisionJson[];
  readonly complete: boolean;
}

export interface AlertDetail {
  readonly fingerprint: string;
  readonly name: string | null;
  /** Null when only its decisions are left. */
  readonly alert: AlertJson | null;
  /** How things stand, in sentences. */
  readonly summary: readonly string[];
  readonly decisions: readonly DecisionJson[];
  readonly complete: boolean;
}

const MEMBERS_MAX = 200;

export async function incidentDetail(
  deps: DetailDeps,
  lane: LaneView,
  id: string,
  look: LookBack,
): Promise<IncidentDetail | undefined> {
  const shown = liveIncident(deps, lane, id) ?? (await pastIncident(deps, lane, id));
  if (shown === undefined) return undefined;
  const past = await pastOfIncident(deps.store, look, id, () => true);
  const decisions = past.decisions.map((decision) => decisionShape(decision, () => undefined));
  return { ...shown, decisions, complete: past.complete };
}

function liveIncident(
  { messageText }: DetailDeps,
  { state, rules }: LaneView,
  id: string,
): IncidentParts | undefined {
  const incident = state.incidents.get(id);
  if (incident === undefined) return undefined;
  const members: Alert[] = [];
  for (const fingerprint of state.members.get(id) ?? []) {
    if (members.length === MEMBERS_MAX) break;
    const alert = state.alerts.get(fingerprint);
    if (alert !== undefined) members.push(alert);
  }
  const shape = incidentShape(incident, liveCounts(state, incident), rules.people);
  return {
    ...shape,
    text: (incident.toldIn === 'message' ? messageText(id) : undefined) ?? null,
    members: members.map(alertShape),
  };
}

async function pastIncident(
  { store }: DetailDeps,
  { name, rules }: LaneView,
  id: string,
): Promise<IncidentParts | undefined> {
  const closed = await store.closedIncident(name, id);
  if (closed === undefined) return undefined;
  const shape = incidentShape(closed.incident, closedCounts(closed), rules.people);
  return { ...shape, text: null, members: viewOf(closed).alerts.map(alertShape) };
}

export async function alertDetail(
  deps: DetailDeps,
  lane: LaneView,
  fingerprint: string,
  look: LookBack,
): Promise<AlertDetail | undefined> {
  const { alert, incident, closed } = await find(deps, lane, fingerprint);
  const past = await pastOfAlert(deps.store, look, fingerprint, alert?.facts.service);
  const heartbeat = alert === undefined ? lane.state.heartbeats.get(fingerprint) : undefined;
  if (heartbeat !== undefined) return heartbeatDetail(deps, heartbeat, look);
  if (alert === undefined && past.decisions.length === 0) return undefined;
  const titles = titlesOf(lane, closed);
  const title = incident === undefined ? undefined : titles(incident.id);
  const now = deps.now();
  return {
    fingerprint,
    name: alert === undefined ? null : nameOf(alert.facts.name, alert.facts.service),
    alert: alert === undefined ? null : alertShape(alert),
    summary: alert === undefined ? [] : describeState({ alert, incident, title, now }),
    decisions: past.decisions.map((decision) => decisionShape(decision, titles)),
    complete: past.complete,
  };
}

/** A heartbeat is no alert that is kept: it has a name instead of a fingerprint, and was heard, or not. */
async function heartbeatDetail(
  { store, now }: DetailDeps,
  { name, lastSeenAt, missingAt, incident }: Heartbeat,
  look: LookBack,
): Promise<AlertDetail> {
  const at = now();
  const heard =
    lastSeenAt === undefined
      ? 'It was never heard so far.'
      : `It was last heard ${ago(lastSeenAt, at)}, at ${momentInWords(lastSeenAt, at)}.`;
  const due =
    incident === undefined
      ? `It is missing if it is not heard by ${momentInWords(missingAt, at)}.`
      : `It is missing: incident ${incident} tells of it.`;
  const past =
    incident === undefined
      ? { decisions: [], complete: true }
      : await pastOfIncident(store, look, incident, () => true);
  return {
    fingerprint: name,
    name: `heartbeat ${name}`,
    alert: null,
    summary: [heard, due],
    decisions: past.decisions.map((decision) => decisionShape(decision, () => undefined)),
    complete: past.complete,
  };
}

/** What is known of one alert, wherever it is. */
interface Known {
  readonly alert: Alert | undefined;
  readonly incident: Incident | undefined;
  readonly closed: ClosedIncident | undefined;
}

async function find({ store }: DetailDeps, lane: LaneView, fingerprint: string): Promise<Known> {
  const alert = lane.state.alerts.get(fingerprint);
  if (alert !== undefined) {
    return { alert, incident: incidentOf(lane.state, alert), closed: undefined };
  }
  const past = await closedAlert(store, lane.name, (one) => one.fingerprint === fingerprint);
  return { alert: past?.alert, incident: past?.closed.incident, closed: past?.closed };
}

export function titlesOf(
  { state }: Pick<LaneView, 'state'>,
  closed: ClosedIncident | undefined,
): TitleOf {
  return (id) => {
    if (id === closed?.incident.id) return titleOf(closed.incident, viewOf(closed).alerts[0]);
    const incident = state.incidents.get(id);
    return incident === undefined ? undefined : titleOf(incident, leadOf(state, incident));
  };
}
