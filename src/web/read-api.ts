/**
 * The read API: lists of incidents, alerts and decisions, and the whole story of one of them.
 *
 * Live state is read from memory, what left it from the store. Nothing here changes anything, and no
 * request does more than a bounded amount of work at a time. docs/api.md describes the answers.
 */
import { Router } from 'express';
import { AppError } from '../errors.ts';
import type { Lanes } from '../lane/lanes.ts';
import type { Instant } from '../model.ts';
import type { History } from '../store/contract.ts';
import { alertDetail, incidentDetail } from './details.ts';
import { explanationOf, readExplainQuery } from './explanation.ts';
import { listDecisions, readDecisionQuery } from './list-decisions.ts';
import {
  ALERT_PARAMETERS,
  ALERT_STATES,
  INCIDENT_STATES,
  LIST_PARAMETERS,
  listIncidents,
  listSplits,
  sendAlertList,
} from './lists.ts';
import type { LookBack } from './past.ts';
import { type NamesDeps, peopleOf } from './people.ts';
import { type ListQuery, readQuery, SPAN } from './query.ts';
import { type ReadRecording, sendRecording } from './recording.ts';
import { silencesIn, silencesInOrder } from './silence-shapes.ts';

export interface ReadApiDeps extends NamesDeps {
  /** Undefined until it is loaded: answered 503. */
  readonly lanes: () => Lanes | undefined;
  readonly store: History;
  readonly now: () => Instant;
  /** The message of an incident in memory, as Slack shows it. */
  readonly messageText: (incident: string) => string | undefined;
  readonly missed?: ((incident: string) => string | undefined) | undefined;
  /** What came in, as far as it is kept. */
  readonly recording?: ReadRecording | undefined;
}

export function readApi(deps: ReadApiDeps): Router {
  const router = Router();
  router.get('/v1/alerts', async (request, response) => {
    const lanes = lanesOf(deps);
    await sendAlertList(response, lanes, alertQuery(lanes, request.url));
  });
  router.get('/v1/incidents', async (request, response) => {
    const lanes = lanesOf(deps);
    response.json(await listIncidents(lanes, deps, incidentQuery(lanes, request.url)));
  });
  router.get('/v1/decisions', async (request, response) => {
    const { rules } = lanesOf(deps);
    const query = readDecisionQuery(request.url, rules.catalog);
    response.json(await listDecisions(deps.store, query, peopleOf(deps, rules)));
  });
  router.get('/v1/silences', (_request, response) => {
    const silences = silencesIn(lanesOf(deps)).values();
    response.json({ items: silencesInOrder(silences, deps.now()), next: null });
  });
  router.get('/v1/splits', (_request, response) => {
    response.json({ items: listSplits(lanesOf(deps), deps), next: null });
  });
  router.get('/v1/incidents/:id', async (request, response) => {
    const lanes = lanesOf(deps);
    const id = request.params.id;
    const detail = await incidentDetail(deps, lanes, id, lookOf(lanes, request.url));
    if (detail !== undefined) response.json(detail);
    else response.status(404).json({ error: noIncident(id) });
  });
  router.get('/v1/alerts/:fingerprint/explain', async (request, response) => {
    const lanes = lanesOf(deps);
    const { fingerprint } = request.params;
    const detail = await alertDetail(deps, lanes, fingerprint, lookOf(lanes, request.url));
    if (detail !== undefined) response.json(detail);
    else response.status(404).json({ error: noAlert(fingerprint) });
  });
  router.get('/v1/explain', async (request, response) => {
    const answer = await explanationOf(deps, lanesOf(deps), readExplainQuery(request.url));
    if (answer.kind === 'explained') response.json(answer.explanation);
    else response.status(404).json({ error: answer.message });
  });
  const { recording } = deps;
  if (recording !== undefined) {
    router.get('/v1/recording', async (request, response) => {
      const { from, to } = lookOf(lanesOf(deps), request.url);
      const span = { from: from ?? 0, to: to ?? deps.now() + 1 };
      await sendRecording(recording, span, request, response);
    });
  }
  return router;
}

export function lanesOf({ lanes }: Pick<ReadApiDeps, 'lanes'>): Lanes {
  const loaded = lanes();
  if (loaded !== undefined) return loaded;
  throw new AppError('starting', 'Quell is starting: try again', { retryable: true });
}

export function noIncident(id: string): string {
  return `no incident "${id.slice(0, 80)}": it is not known, or older than the retention`;
}

export function noAlert(fingerprint: string): string {
  return `no alert "${fingerprint.slice(0, 80)}": it never came in, or is older than the retention`;
}

export function alertQuery({ rules: { catalog } }: Lanes, url: string): ListQuery {
  return readQuery(url, { names: ALERT_PARAMETERS, states: ALERT_STATES, catalog });
}

export function incidentQuery({ rules: { catalog } }: Lanes, url: string): ListQuery {
  return readQuery(url, { names: LIST_PARAMETERS, states: INCIDENT_STATES, catalog });
}

/** How far to look back. */
function lookOf({ rules }: Lanes, url: string): LookBack {
  const options = { names: SPAN, states: [], catalog: rules.catalog };
  const { from, to, limit } = readQuery(url, options);
  return { from, to, limit };
}
