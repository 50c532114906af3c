/**
 * What the first page shows of the lane: at most a screenful of each kind, whatever is open.
 */
import type { Lane } from '../lane.ts';
import type { Incident, Instant } from '../model.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { severityRank } from '../tally.ts';
import { newest } from './newest.ts';
import type { Overview, PreviewMessage } from './page.ts';
import { type IncidentJson, incidentShape, liveCounts } from './shapes.ts';

export interface OverviewDeps {
  readonly now: () => Instant;
  readonly metrics: Metrics;
  readonly messageText: (incident: string) => string | undefined;
  /** Newest first; undefined when Slack gets the messages. */
  readonly previewMessages: () => readonly PreviewMessage[] | undefined;
}

const OPEN_SHOWN = 50;
const GATHERING_SHOWN = 20;
const PREVIEW_SHOWN = 30;

export function overviewOf(deps: OverviewDeps, { state, rules }: Lane): Overview {
  const open = [...state.open].flatMap((id) => state.incidents.get(id) ?? []);
  let gathering = 0;
  const held = newestOf(state.incidents.values(), GATHERING_SHOWN, ({ phase }) => {
    if (phase !== 'gathering') return false;
    gathering++;
    return true;
  });
  const shape = (incident: Incident): IncidentJson =>
    incidentShape(incident, liveCounts(state, incident), rules.people);
  return {
    now: deps.now(),
    rulesVersion: rules.version,
    open: newestOf(open, OPEN_SHOWN, () => true)
      .toSorted((one, other) => severityRank(one.severity) - severityRank(other.severity))
      .map((incident) => ({ incident: shape(incident), text: deps.messageText(incident.id) })),
    openTotal: state.open.size,
    gathering: held.map(shape),
    gatheringTotal: gathering,
    alertsTotal: state.alerts.size,
    quarantined: deps.metrics.quarantined,
    preview: deps.previewMessages()?.slice(0, PREVIEW_SHOWN),
  };
}

function newestOf(
  incidents: Iterable<Incident>,
  limit: number,
  accepts: (incident: Incident) => boolean,
): readonly Incident[] {
  return newest(incidents, {
    atOf: ({ gatheredAt }) => gatheredAt,
    idOf: ({ id }) => id,
    accepts,
    after: undefined,
    limit,
  }).items;
}
