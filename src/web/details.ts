/**
 * The whole story of one incident or one alert, for the API and for the pages.
 */
import { aboutClosed, aboutLive } from '../explain/about.ts';
import { chainOf, type Step } from '../explain/chain.ts';
import type { About } from '../explain/gates.ts';
import { otherwise, type Otherwise } from '../explain/otherwise.ts';
import { inhibitedBy } from '../explain/inhibited.ts';
import { describeIncident, describeState, momentInWords, type TitleOf } from '../explain/words.ts';
import type { Lane } from '../lane/lane.ts';
import { ownerOf } from '../lane/lanes.ts';
import { leadOf } from '../life/lead.ts';
import type { Alert, Incident, Instant, People } from '../model.ts';
import { duration } from '../rules/duration.ts';
import type { HeartbeatRule, Rules } from '../rules/rules.ts';
import { ago, nameOf } from '../slack/words.ts';
import type { Heartbeat } from '../state/small-records.ts';
import { alertsOf, incidentOf, type LaneState } from '../state/state.ts';
import type { ClosedIncident, History } from '../store/contract.ts';
import { heardOf } from './heard.ts';
import type { ReadRecording } from './recording.ts';
import { closedAlert, type LookBack, type Past, pastOfAlert, pastOfIncident } from './past.ts';
import { type NamesDeps, peopleOf } from './people.ts';
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
import { worstOf } from '../view/storm.ts';

/** What is read of a lane: also of one that only lies on disk. */
type LaneView = Pick<Lane, 'state' | 'rules'>;
export interface LanesView {
  readonly all: readonly [LaneView, ...LaneView[]];
  readonly rules: Rules;
}

export interface DetailDeps extends NamesDeps {
  readonly store: History;
  readonly now: () => Instant;
  readonly messageText: (incident: string) => string | undefined;
  /** What Slack did so far with what is to be said of an incident. */
  readonly missed?: ((incident: string) => string | undefined) | undefined;
  /** What came in, as far as it is kept. */
  readonly recording?: ReadRecording | undefined;
}

interface IncidentParts extends IncidentJson {
  /** The message as Slack shows it; null when it has none of its own, or left memory. */
  readonly text: string | null;
  /** At most `MEMBERS_MAX`; `alerts.total` counts all. */
  readonly members: readonly AlertJson[];
  /** A storm that goes on: the incidents that it stands for, the worst first, at most `MEMBERS_MAX`. */
  readonly incidents?: readonly IncidentJson[];
}
/** What an explanation is made of, of an alert as of an incident. */
interface Story {
  /** How things stand, in sentences. */
  readonly summary: readonly string[];
  /** Everything that happened, in plain words and in order of time. */
  readonly chain: readonly StepJson[];
  /** Which rule would have to be different. */
  readonly otherwise: readonly OtherwiseJson[];
  /** Version of the rules that `otherwise` is about: those in force now. */
  readonly rulesNow: string;
  readonly decisions: readonly DecisionJson[];
  /** False when there may be more before these. */
  readonly complete: boolean;
}

export interface IncidentDetail extends IncidentParts, Story {}

export interface AlertDetail extends Story {
  readonly fingerprint: string;
  readonly name: string | null;
  /** Null when only its decisions are left. */
  readonly alert: AlertJson | null;
}

const MEMBERS_MAX = 200;
/** Of what is no single alert. */
const NOT_HEARD = { alert: undefined, heard: undefined } as const;

export async function incidentDetail(
  deps: DetailDeps,
  lanes: LanesView,
  id: string,
  look: LookBack,
): Promise<IncidentDetail | undefined> {
  const lane = ownerOf(lanes, { incident: id }) ?? lanes.all[0];
  const shown = liveIncident(deps, lane, id) ?? (await pastIncident(deps, lane, id));
  if (shown === undefined) return undefined;
  const { parts, incident, lead, closed } = shown;
  const past = await pastOfIncident(deps.store, look, id);
  const now = deps.now();
  const asked = { rules: lane.rules, decisions: past.decisions, now };
  const about =
    lead === undefined ? undefined : aboutOf(lane, { alert: lead, incident, closed }, asked);
  const people = peopleOf(deps, lane.rules);
  const titles: TitleOf = () => undefined;
  const summary = [
    ...describeIncident({ incident, people, now, missed: deps.missed }),
    ...inhibitedBy(lane.state, (inhibitor) => inhibitor.incident === id),
  ];
  const others = about === undefined ? [] : otherwise(about, 'incident');
  const told = { ...asked, ...NOT_HEARD, incident, titles, people };
  return { ...parts, ...storyOf(told, past, summary, others) };
}

function storyOf(
  told: Parameters<typeof chainOf>[0] & { readonly rules: Rules },
  { decisions, complete }: Past,
  summary: readonly string[],
  others: readonly Otherwise[],
): Story {
  const { rules, titles, people } = told;
  return {
    summary,
    chain: chainOf(told).map(stepShape),
    otherwise: others.map(otherwiseShape),
    rulesNow: rules.version,
    decisions: decisions.map((decision) => decisionShape(decision, titles, people)),
    complete,
  };
}

interface ShownIncident {
  readonly parts: IncidentParts;
  readonly incident: Incident;
  /** Whose route it takes: what is asked of the incident is asked of this alert. */
  readonly lead: Alert | undefined;
  readonly closed: ClosedIncident | undefined;
}

function liveIncident(
  deps: DetailDeps,
  { state, rules }: LaneView,
  id: string,
): ShownIncident | undefined {
  const incident = state.incidents.get(id);
  if (incident === undefined) return undefined;
  const members: Alert[] = [];
  for (const alert of alertsOf(state, id)) {
    if (members.length === MEMBERS_MAX) break;
    members.push(alert);
  }
  const people = peopleOf(deps, rules);
  const shape = incidentShape(incident, liveCounts(state, incident), people);
  const text = (incident.toldIn === 'message' ? deps.messageText(id) : undefined) ?? null;
  const parts = {
    ...shape,
    text,
    members: members.map(alertShape),
    ...(state.storm?.incident === id ? { incidents: stormed(state, people) } : {}),
  };
  return { parts, incident, lead: leadOf(state, incident), closed: undefined };
}

function stormed(state: LaneState, people: People): readonly IncidentJson[] {
  return worstOf(state, MEMBERS_MAX).map((one) =>
    incidentShape(one, liveCounts(state, one), people),
  );
}

async function pastIncident(
  deps: DetailDeps,
  { rules }: LaneView,
  id: string,
): Promise<ShownIncident | undefined> {
  const closed = await deps.store.closedIncident(id);
  if (closed === undefined) return undefined;
  const { incident } = closed;
  const { alerts } = viewOf(closed);
  const shape = incidentShape(incident, closedCounts(closed), peopleOf(deps, rules));
  const lead = alerts.find(({ facts }) => facts.service === incident.roots[0]?.service);
  const parts = { ...shape, text: null, members: alerts.map(alertShape) };
  return { parts, incident, lead: lead ?? alerts[0], closed };
}

export async function alertDetail(
  deps: DetailDeps,
  { all }: LanesView,
  fingerprint: string,
  look: LookBack,
): Promise<AlertDetail | undefined> {
  const lane = all.find(({ state }) => state.alerts.has(fingerprint)) ?? all[0];
  const known = await find(deps, lane, fingerprint);
  const { alert, incident, closed } = known;
  const past = await pastOfAlert(deps.store, look, fingerprint, alert?.facts.service);
  const heartbeat = alert === undefined ? lane.state.heartbeats.get(fingerprint) : undefined;
  if (heartbeat !== undefined) return heartbeatDetail(deps, lane, heartbeat, look);
  if (alert === undefined && past.decisions.length === 0) return undefined;
  const titles = titlesOf([lane], closed);
  const title = incident === undefined ? undefined : titles(incident.id);
  const now = deps.now();
  const asked = { rules: lane.rules, decisions: past.decisions, now };
  const heard =
    alert === undefined ? undefined : await heardOf(deps.recording, alert, lane.rules, now);
  const people = peopleOf(deps, lane.rules);
  const told = { ...asked, alert, incident, heard, titles, people };
  const summary =
    alert === undefined
      ? []
      : [
          ...describeState({ alert, incident, title, people, now, missed: deps.missed }),
          ...inhibitedBy(lane.state, (inhibitor) => inhibitor.fingerprint === fingerprint),
        ];
  const others =
    alert === undefined
      ? []
      : otherwise(aboutOf(lane, { alert, incident, closed }, asked), 'alert');
  return {
    fingerprint,
    name: alert === undefined ? null : nameOf(alert.facts.name, alert.facts.service),
    alert: alert === undefined ? null : alertShape(alert),
    ...storyOf(told, past, summary, others),
  };
}

function aboutOf(
  { state }: LaneView,
  { alert, incident, closed }: Known & { readonly alert: Alert },
  asked: Pick<About, 'rules' | 'decisions' | 'now'>,
): About {
  return closed === undefined || incident === undefined
    ? aboutLive(state, alert, asked)
    : aboutClosed(incident, viewOf(closed), alert, asked);
}

/** A heartbeat is no alert that is kept: it has a name instead of a fingerprint, and was heard, or not. */
async function heartbeatDetail(
  deps: DetailDeps,
  { rules }: LaneView,
  { name, lastSeenAt, missingAt, incident }: Heartbeat,
  look: LookBack,
): Promise<AlertDetail> {
  const at = deps.now();
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
      : await pastOfIncident(deps.store, look, incident);
  const rule = rules.heartbeats.find((one) => one.name === name);
  const titles: TitleOf = () => undefined;
  const people = peopleOf(deps, rules);
  const { decisions } = past;
  const told = { ...NOT_HEARD, incident: undefined, rules, decisions, titles, people, now: at };
  const summary = [heard, due, ...(rule === undefined ? [] : [becauseHeartbeat(rule)])];
  return {
    fingerprint: name,
    name: `heartbeat ${name}`,
    alert: null,
    ...storyOf(told, past, summary, []),
  };
}

/** Whoever looks for it as an alert learns why it is none. */
function becauseHeartbeat({ rule, missingAfterMs }: HeartbeatRule): string {
  const by = rule === 'built-in' ? 'the built-in heartbeat' : `the heartbeat in ${rule}`;
  return `It is told only when it stays away for ${duration(missingAfterMs)}, because ${by} matches it; an alert that no entry of \`heartbeats:\` matches is told like any other.`;
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
  const past = await closedAlert(store, (one) => one.fingerprint === fingerprint);
  return { alert: past?.alert, incident: past?.closed.incident, closed: past?.closed };
}

export function titlesOf(
  lanes: readonly Pick<LaneView, 'state'>[],
  closed: ClosedIncident | undefined,
): TitleOf {
  return (id) => {
    if (id === closed?.incident.id) return titleOf(closed.incident, viewOf(closed).alerts[0]);
    const state = ownerOf({ all: lanes }, { incident: id })?.state;
    const incident = state?.incidents.get(id);
    if (state === undefined || incident === undefined) return undefined;
    const lead = leadOf(state, incident);
    // What its alerts left untold has no name of its own.
    const isEmpty = lead === undefined && incident.toldBecause === undefined;
    return isEmpty && incident.special === undefined ? undefined : titleOf(incident, lead);
  };
}

export interface StepJson {
  readonly at: string;
  /** A reason of a decision; or `received`, `repeated`, `held`, `routed`, `updated`. */
  readonly reason: Step['reason'];
  readonly text: string;
  readonly fingerprint: string | null;
  readonly service: string | null;
}

function stepShape({ at, reason, text, fingerprint, service }: Step): StepJson {
  return {
    at: new Date(at).toISOString(),
    reason,
    text,
    fingerprint: fingerprint ?? null,
    service: service ?? null,
  };
}

function otherwiseShape({ outcome, text, changes }: Otherwise) {
  return {
    outcome,
    text,
    changes: changes.map(({ rule, section, set, except, entry, how }) => ({
      rule,
      section: section ?? null,
      set: set ?? null,
      except: except ?? null,
      entry: entry ?? null,
      how,
    })),
  };
}

export type OtherwiseJson = ReturnType<typeof otherwiseShape>;
