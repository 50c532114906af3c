/**
 * Whom `quell explain` asks: the read API of a running service, or the files of one that is not.
 */
import { existsSync } from 'node:fs';
import { clearApiToken } from '../config-access.ts';
import { openSources } from '../config-sources.ts';
import { AppError } from '../errors.ts';
import { loadRules } from '../rules/load.ts';
import type { Rules } from '../rules/rules.ts';
import { builtInRules } from '../rules/compile.ts';
import { createState, LANE, restore } from '../state.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import {
  type AlertDetail,
  alertDetail,
  type IncidentDetail,
  incidentDetail,
} from '../web/details.ts';
import { ALERT_STATES, LIST_PARAMETERS, listAlerts } from '../web/lists.ts';
import { readQuery } from '../web/query.ts';
import type { AlertJson } from '../web/shapes.ts';

export interface Span {
  readonly from?: number;
  readonly to?: number;
}

export interface Answers {
  /** Alerts in memory that a matcher matches, newest first. */
  find(match: string): Promise<readonly AlertJson[]>;
  story(fingerprint: string, span: Span): Promise<AlertDetail | undefined>;
  incident(id: string): Promise<IncidentDetail | undefined>;
  close(): Promise<void>;
}

const FOUND_MAX = 100;
const DECISIONS_MAX = 500;
const TIMEOUT_MS = 30_000;

type Env = Readonly<Record<string, string | undefined>>;

export function askService(url: string | undefined, env: Env): Answers {
  const places = openSources({ flags: {}, env, file: undefined });
  const port = places.find('port');
  const apiToken = places.find('apiToken');
  const number = port.kind === 'found' ? (port.value ?? '8080') : '8080';
  const base = (url ?? `http://localhost:${number}`).replace(/\/+$/, '');
  const token = apiToken.kind === 'found' ? clearApiToken(apiToken.value) : undefined;
  const get = async (path: string): Promise<unknown> => {
    const answer = await request(`${base}${path}`, token);
    if (answer.status === 404) return undefined;
    const body = await bodyOf(answer, base);
    if (answer.ok) return body;
    throw unanswered(base, answer.status, body);
  };
  return {
    async find(match) {
      const query = new URLSearchParams({ match, limit: String(FOUND_MAX) });
      // Quell's own API answers in the shapes of shapes.ts.
      const page = (await get(`/v1/alerts?${query}`)) as { items: AlertJson[] } | undefined;
      return page?.items ?? [];
    },
    async story(fingerprint, { from, to }) {
      const query = new URLSearchParams({ limit: String(DECISIONS_MAX) });
      if (from !== undefined) query.set('from', String(Math.floor(from)));
      if (to !== undefined) query.set('to', String(Math.ceil(to)));
      // As above.
      return (await get(`/v1/alerts/${encodeURIComponent(fingerprint)}/explain?${query}`)) as
        | AlertDetail
        | undefined;
    },
    async incident(id) {
      const path = `/v1/incidents/${encodeURIComponent(id)}?limit=${DECISIONS_MAX}`;
      // As above.
      return (await get(path)) as IncidentDetail | undefined;
    },
    close: async () => undefined,
  };
}

async function request(url: string, token: string | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    // fetch fails with a TypeError when it gets no answer, and with a DOMException after the time-out.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    const message = `cannot reach Quell at ${new URL(url, 'http://localhost').origin}: start it, or say where it is with --url, or read its files with --data-dir`;
    throw new AppError('cannot-ask', message, { retryable: true, cause: error });
  }
}

async function bodyOf(answer: Response, base: string): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const message = `${base} does not answer like Quell: check --url`;
    throw new AppError('cannot-ask', message, { retryable: false, cause: error });
  }
}

function unanswered(base: string, status: number, body: unknown): AppError {
  const said = typeof body === 'object' && body !== null && 'error' in body ? body.error : status;
  const hint = status === 401 ? '; set QUELL_API_TOKEN' : '';
  return new AppError('cannot-ask', `${base}: ${String(said)}${hint}`, { retryable: false });
}

export async function askFiles(dataDir: string, rulesDir: string): Promise<Answers> {
  if (!existsSync(dataDir)) {
    throw new AppError('no-data', `no folder ${dataDir}: nothing was kept there`, {
      retryable: false,
    });
  }
  const rules = await rulesOf(rulesDir);
  const store = await openEmbeddedStore(dataDir);
  const snapshot = await store.load(LANE);
  const state = createState(LANE);
  restore(state, snapshot.records);
  const lane = { name: LANE, state, rules };
  const deps = { store, now: Date.now, messageText: () => undefined };
  return {
    async find(match) {
      const query = new URLSearchParams({ match, limit: String(FOUND_MAX) });
      const options = { names: LIST_PARAMETERS, states: ALERT_STATES, catalog: rules.catalog };
      return listAlerts(lane, readQuery(`/v1/alerts?${query}`, options)).items;
    },
    story: (fingerprint, { from, to }) =>
      alertDetail(deps, lane, fingerprint, { lane: LANE, from, to, limit: DECISIONS_MAX }),
    incident: (id) =>
      incidentDetail(deps, lane, id, {
        lane: LANE,
        from: undefined,
        to: undefined,
        limit: DECISIONS_MAX,
      }),
    close: () => store.close(),
  };
}

/** Rules only name things here: decisions keep the words they were made with. */
async function rulesOf(dir: string): Promise<Rules> {
  if (!existsSync(dir)) return builtInRules();
  const loaded = await loadRules(dir);
  return loaded.kind === 'refused' ? builtInRules() : loaded.rules;
}
