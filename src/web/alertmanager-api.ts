/**
 * The part of Alertmanager's API v2 that its tools need: amtool sets, shows and ends silences with it,
 * and lists alerts; Karma shows both.
 *
 * Errors are JSON strings, as its clients expect. Alerts are shown by alertmanager-alerts.ts.
 */
import { randomUUID } from 'node:crypto';
import express, { type Request, type Response, Router } from 'express';
import { AppError } from '../errors.ts';
import { type Lanes, PartlyTaken } from '../lane/lanes.ts';
import { countMatches, matchersInWords } from '../life/silences.ts';
import { over, SHAPE } from '../limits.ts';
import type { Instant, Silence } from '../model.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readAlertsQuery, sendAlerts, sendGroups, silenceFilter } from './alertmanager-alerts.ts';
import { lanesOf, type ReadApiDeps } from './read-api.ts';
import { iso } from './shapes.ts';
import {
  badSilence,
  isForAll,
  readSilence,
  silenceShape,
  silencesIn,
  silencesInOrder,
} from './silence-shapes.ts';

interface AlertmanagerApiDeps extends ReadApiDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'limitReached'>;
}

const BODY_MAX = '64kb';

export function alertmanagerApi(deps: AlertmanagerApiDeps): Router {
  const router = Router();
  const startedAt = deps.now();
  const answered =
    (act: (request: Request, response: Response) => Promise<void> | void) =>
    async (request: Request, response: Response): Promise<void> => {
      try {
        await act(request, response);
      } catch (error) {
        if (!(error instanceof AppError) || error.retryable) throw error;
        response.status(400).json(error.message);
      }
    };
  router.get('/api/v2/status', (_request, response) => {
    response.json(statusShape(startedAt));
  });
  router.get(
    '/api/v2/silences',
    answered((request, response) => listSilences(deps, request, response)),
  );
  router.post(
    '/api/v2/silences',
    express.json({ limit: BODY_MAX, type: () => true, strict: false }),
    answered((request, response) => postSilence(deps, request, response)),
  );
  router.get('/api/v2/silence/:id', (request, response) => {
    const kept = silencesIn(lanesOf(deps)).get(request.params.id);
    if (kept === undefined) response.status(404).json('silence not found');
    else response.json(silenceShape(kept, deps.now()));
  });
  router.delete('/api/v2/silence/:id', (request, response) =>
    endSilence(deps, request.params.id, response),
  );
  router.get(
    '/api/v2/alerts',
    answered((request, response) => {
      const lanes = lanesOf(deps);
      return sendAlerts(response, lanes, readAlertsQuery(request.url, lanes), deps.now());
    }),
  );
  router.get(
    '/api/v2/alerts/groups',
    answered((request, response) => {
      const lanes = lanesOf(deps);
      return sendGroups(response, lanes, readAlertsQuery(request.url, lanes), deps.now());
    }),
  );
  return router;
}

/** What amtool and Grafana want to see before they do anything. */
function statusShape(startedAt: Instant) {
  return {
    cluster: { name: '', peers: [], status: 'disabled' },
    config: { original: 'route: { receiver: quell }\nreceivers: [{ name: quell }]\n' },
    uptime: iso(startedAt),
    versionInfo: {
      // Whose API this is a part of.
      version: '0.25.0',
      branch: 'quell',
      buildDate: '',
      buildUser: '',
      goVersion: '',
      revision: '',
    },
  };
}

function listSilences(deps: AlertmanagerApiDeps, request: Request, response: Response): void {
  const accepts = silenceFilter(request.url);
  const kept = [...silencesIn(lanesOf(deps)).values()].filter(({ silence }) => accepts(silence));
  response.json(silencesInOrder(kept, deps.now()));
}

async function postSilence(
  deps: AlertmanagerApiDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const lanes = lanesOf(deps);
  const silences = silencesIn(lanes);
  const now = deps.now();
  const { id, ...sent } = readSilence(request.body, now);
  const known = id === undefined ? undefined : silences.get(id);
  if (id !== undefined && known === undefined) {
    response.status(404).json(`silence ${id.slice(0, 80)} not found`);
    return;
  }
  const living = [...silences.values()].filter(({ silence }) => silence.endsAt > now);
  if (living.length >= SHAPE.silences && known === undefined) {
    deps.metrics.limitReached('silences');
    throw badSilence(over('silences', `${living.length} silences are set: end some first`));
  }
  // One that is over stays over: what is asked for is a new one.
  const isChanged = known !== undefined && known.silence.endsAt > now;
  const startsAt = isChanged ? Math.min(known.silence.startsAt, sent.startsAt) : sent.startsAt;
  const silence: Silence = { ...sent, startsAt, id: isChanged ? known.silence.id : randomUUID() };
  const warning = warningOf(lanes, silence);
  await setInAll(lanes, now, silence);
  const level = warning === undefined ? 'info' : 'warn';
  deps.log[level]({ silence: silence.id, by: silence.createdBy, warning }, 'silence set');
  response.json({ silenceID: silence.id, ...(warning === undefined ? {} : { warning }) });
}

/** In every lane, or in none as far as can be: whoever is refused asks again, and would have two. */
async function setInAll(lanes: Lanes, now: Instant, silence: Silence): Promise<void> {
  try {
    await lanes.submit(now, [{ kind: 'silence', silence }]);
  } catch (error) {
    if (error instanceof PartlyTaken)
      await lanes
        .submit(now, [{ kind: 'unsilence', id: silence.id, by: 'the API' }])
        .catch(() => undefined);
    throw error;
  }
}

/** Said before it begins, because afterwards nobody hears anything. */
function warningOf({ all }: Lanes, silence: Silence): string | undefined {
  let matched = 0;
  let firing = 0;
  for (const lane of all) {
    const counted = countMatches(lane, silence);
    matched += counted.matched;
    firing += counted.firing;
  }
  const what = `{${matchersInWords(silence).join(', ')}}`;
  if (matched === firing && firing > 1) return `${what} matches all ${firing} alerts that fire now`;
  if (isForAll(silence)) return `${what} matches almost everything: say which alerts it is about`;
  return matched === 0 ? `${what} matches none of the ${firing} alerts that fire now` : undefined;
}

async function endSilence(
  deps: AlertmanagerApiDeps,
  id: string,
  response: Response,
): Promise<void> {
  const lanes = lanesOf(deps);
  const now = deps.now();
  const kept = silencesIn(lanes).get(id);
  if (kept === undefined) {
    response.status(404).json('silence not found');
    return;
  }
  if (kept.silence.endsAt > now)
    await lanes.submit(now, [{ kind: 'unsilence', id, by: 'the API' }]);
  response.status(200).end();
}
