/**
 * Whom `quell explain` asks: the read API of a running service, or the files of one that is not.
 */
import { existsSync } from 'node:fs';
import { AppError } from '../errors.ts';
import { journalDir } from '../ingest/journal.ts';
import { type JournalSpan, readJournal } from '../ingest/journal-read.ts';
import { loadRules } from '../rules/files/load.ts';
import type { Rules } from '../rules/rules.ts';
import { builtInRules } from '../rules/compile.ts';
import { LANE } from '../split.ts';
import { restore } from '../state/restore.ts';
import { createState } from '../state/state.ts';
import { acrossLanes } from '../store/across-lanes.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { type Answer, type Explanation, explanationOf } from '../web/explanation.ts';
import type { Asked } from '../web/find.ts';
import { serviceAddress } from './service-address.ts';

export interface Answers {
  explain(asked: Asked): Promise<Answer>;
  close(): Promise<void>;
}

const DECISIONS_MAX = 500;
const TIMEOUT_MS = 30_000;

type Env = Readonly<Record<string, string | undefined>>;

export function askService(url: string | undefined, env: Env): Answers {
  const { base, token } = serviceAddress(url, env);
  return {
    async explain({ of, at }) {
      const query = new URLSearchParams({ of, limit: String(DECISIONS_MAX) });
      if (at !== undefined) query.set('at', new Date(at).toISOString());
      const answer = await request(`${base}/v1/explain?${query}`, token);
      const body = await bodyOf(answer, base);
      // Quell's own API answers in the shapes of explanation.ts.
      if (answer.ok) return { kind: 'explained', explanation: body as Explanation };
      if (answer.status === 404 && !isOlder(body))
        return { kind: 'unknown', message: errorOf(body) };
      throw unanswered(base, token !== undefined, answer.status, body);
    },
    close: async () => undefined,
  };
}

/** A Quell that does not know the question yet. */
function isOlder(body: unknown): boolean {
  return errorOf(body).startsWith('nothing is at ');
}

function errorOf(body: unknown): string {
  const isError = typeof body === 'object' && body !== null && 'error' in body;
  return isError ? String(body.error) : '';
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

function unanswered(base: string, hasToken: boolean, status: number, body: unknown): AppError {
  const said = errorOf(body) || status;
  const hint = status === 401 && !hasToken ? '; set QUELL_API_TOKEN' : '';
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
  const lanes = { all: [{ state, rules }] as const, rules };
  const recording = (span: JournalSpan) => readJournal(journalDir(dataDir), span);
  const history = acrossLanes(store, [LANE]);
  const deps = { store: history, now: Date.now, messageText: () => undefined, recording };
  return {
    explain: (asked) => explanationOf(deps, lanes, { ...asked, limit: DECISIONS_MAX }),
    close: () => store.close(),
  };
}

/** Rules only name things here: decisions keep the words they were made with. */
async function rulesOf(dir: string): Promise<Rules> {
  if (!existsSync(dir)) return builtInRules();
  const loaded = await loadRules(dir);
  return loaded.kind === 'refused' ? builtInRules() : loaded.rules;
}
