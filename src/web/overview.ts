/**
 * What the first page shows of all lanes: at most a screenful of each kind, whatever is open.
 */
import { type Lanes, ownerOf } from '../lane/lanes.ts';
import { type Incident, type Instant, KEPT_QUIET, type People } from '../model.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { alertsOf, type LaneState } from '../state/state.ts';
import type { History } from '../store/contract.ts';
import { titlesOf } from './details.ts';
import { isWorse } from '../life/storm.ts';
import { topOf } from '../state/sorted.ts';
import { newest } from './newest.ts';
import type { Overview, PreviewMessage } from './overview-page.ts';
import { pagesOf } from './past.ts';
import { type NamesDeps, peopleOf } from './people.ts';
import {
  closedCounts,
  type DecisionJson,
  decisionShape,
  type IncidentJson,
  incidentShape,
  liveCounts,
} from './shapes.ts';
import { silencesIn, silencesInOrder } from './silence-shapes.ts';

interface OverviewDeps extends NamesDeps {
  readonly store: History;
  readonly now: () => Instant;
  readonly metrics: Metrics;
  readonly messageText: (incident: string) => string | undefined;
  /** Newest first; undefined when Slack gets the messages. */
  readonly previewMessages: () => readonly PreviewMessage[] | undefined;
  /** What is wrong with the rules files as they are now, in words; undefined: those are in force. */
  readonly rulesRefused?: (() => string | undefined) | undefined;
}

const OPEN_SHOWN = 50;
const GATHERING_SHOWN = 20;
const PREVIEW_SHOWN = 30;
const HEARTBEATS_SHOWN = 50;
const QUIET_SHOWN = 20;
const OVER_SHOWN = 10;
/** Decisions looked through for quiet ones, and closed incidents for such as were told. */
const DECISIONS_PAGE = 500;
const DECISIONS_PAGES_MAX = 4;
const CLOSED_PAGE = 50;
/** Alerts looked through for the one that is told first. */
const HELD_MAX = 200;

export async function overviewOf(deps: OverviewDeps, lanes: Lanes): Promise<Overview> {
  const { all, rules } = lanes;
  const open = all.flatMap(({ state }) =>
    [...state.open].flatMap((id) => state.incidents.get(id) ?? []),
  );
  const gathering = [...incidentsIn(lanes)].filter(({ phase }) => phase === 'gathering');
  const held = topOf(gathering, GATHERING_SHOWN, isNewer);
  const people = peopleOf(deps, rules);
  const shape = (incident: Incident): IncidentJson => liveShape(lanes, people, incident);
  return {
    now: deps.now(),
    rulesVersion: rules.version,
    rulesRefused: deps.rulesRefused?.(),
    open: topOf(open, OPEN_SHOWN, isWorse).map((incident) => ({
      incident: shape(incident),
      text: incident.toldIn === 'message' ? deps.messageText(incident.id) : undefined,
    })),
    openTotal: open.length,
    gathering: held.map((one) => ({
      incident: shape(one),
      tellAt: tellAt(stateOf(lanes, one), one),
    })),
    gatheringTotal: gathering.length,
    quiet: await latelyQuiet(deps, lanes, people),
    resolved: await latelyOver(deps, lanes, people),
    silences: silencesInOrder(silencesIn(lanes).values(), deps.now()).filter(
      ({ status }) => status.state !== 'expired',
    ),
    people,
    heartbeats: [...all[0].state.heartbeats.values()].slice(0, HEARTBEATS_SHOWN),
    alertsTotal: all.reduce((sum, { state }) => sum + state.alerts.size, 0),
    quarantined: deps.metrics.quarantined,
    preview: deps.previewMessages()?.slice(0, PREVIEW_SHOWN),
  };
}

function* incidentsIn({ all }: Lanes): Generator<Incident> {
  for (const { state } of all) yield* state.incidents.values();
}

/** Of an incident in memory. */
function stateOf(lanes: Lanes, { id }: Incident): LaneState {
  return (ownerOf(lanes, { incident: id }) ?? lanes.all[0]).state;
}

function liveShape(lanes: Lanes, people: People, incident: Incident): IncidentJson {
  const counts = liveCounts(stateOf(lanes, incident), incident);
  return incidentShape(incident, counts, people);
}

function isNewer(one: Incident, other: Incident): boolean {
  const laterMs = one.gatheredAt - other.gatheredAt;
  return laterMs > 0 || (laterMs === 0 && one.id < other.id);
}

function tellAt(state: LaneState, { id }: Incident): Instant | undefined {
  let first: Instant | undefined;
  let looked = 0;
  for (const alert of alertsOf(state, id)) {
    if (++looked > HELD_MAX) break;
    if (alert.status !== 'firing' || alert.muted !== undefined) continue;
    first = Math.min(alert.heldUntil, first ?? Infinity);
  }
  return first;
}

/** Each alert or incident once per reason: what flaps would fill the list alone. */
async function latelyQuiet(
  { store }: OverviewDeps,
  lanes: Lanes,
  people: People,
): Promise<readonly DecisionJson[]> {
  const found = new Map<string, DecisionJson>();
  const titles = titlesOf(lanes.all, undefined);
  const ask = (cursor: string | undefined) => store.decisions({ limit: DECISIONS_PAGE, cursor });
  for await (const { items } of pagesOf(ask, DECISIONS_PAGES_MAX)) {
    for (const decision of items) {
      if (!QUIET_REASONS.has(decision.reason)) continue;
      const key = `${decision.reason} ${decision.fingerprint ?? decision.incident}`;
      if (!found.has(key)) found.set(key, decisionShape(decision, titles, people));
      if (found.size === QUIET_SHOWN) return [...found.values()];
    }
  }
  return [...found.values()];
}

const QUIET_REASONS: ReadonlySet<string> = new Set(KEPT_QUIET);

/** Those in memory are the newest; what left it comes after them. */
async function latelyOver(
  { store }: OverviewDeps,
  lanes: Lanes,
  people: People,
): Promise<readonly IncidentJson[]> {
  const { items } = await newest([incidentsIn(lanes)], {
    atOf: ({ resolvedAt }) => resolvedAt ?? 0,
    idOf: ({ id }) => id,
    accepts: (incident) => incident.phase === 'resolved' && wasTold(incident),
    after: undefined,
    limit: OVER_SHOWN,
  });
  const live = items.map((one) => liveShape(lanes, people, one));
  if (live.length === OVER_SHOWN) return live;
  const past = await store.closedIncidents({ limit: CLOSED_PAGE });
  const told = past.items
    .filter(({ incident }) => wasTold(incident))
    .map((closed) => incidentShape(closed.incident, closedCounts(closed), people));
  return [...live, ...told].slice(0, OVER_SHOWN);
}

function wasTold({ toldAt, mergedInto }: Incident): boolean {
  return toldAt !== undefined && mergedInto === undefined;
}
