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
import { ask } from './ask.ts';
import { type Env, serviceAddress } from './service-address.ts';

export interface Answers {
  explain(asked: Asked): Promise<Answer>;
  close(): Promise<void>;
}

const DECISIONS_MAX = 500;
const TIMEOUT_MS = 30_000;

export function askService(url: string | undefined, env: Env): Answers {
  const service = serviceAddress(url, env);
  const { base } = service;
  const unreached = `cannot reach Quell at ${new URL(base).origin}: start it, or say where it is with --url, or read its files with --data-dir`;
  return {
    async explain({ of, at }) {
      const query = new URLSearchParams({ of, limit: String(DECISIONS_MAX) });
      if (at !== undefined) query.set('at', new Date(at).toISOString());
      const options = { timeoutMs: TIMEOUT_MS, unreached };
      const read = (answer: Response) => jsonOf(answer, base);
      const { status, body } = await ask(service, `/v1/explain?${query}`, read, options);
      // Quell's own API answers in the shapes of explanation.ts.
      if (status === 200) return { kind: 'explained', explanation: body as Explanation };
      if (status === 404 && !isNoPlace(body)) return { kind: 'unknown', message: errorOf(body) };
      const hint = status === 401 && service.token === undefined ? '; set QUELL_API_TOKEN' : '';
      const message = `${base}: ${errorOf(body) || status}${hint}`;
      throw new AppError('cannot-ask', message, { retryable: false });
    },
    close: async () => undefined,
  };
}

async function jsonOf(answer: Response, base: string) {
  try {
    const body: unknown = await answer.json();
    return { status: answer.status, body };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const message = `${base} does not answer like Quell: check --url`;
    throw new AppError('cannot-ask', message, { retryable: false, cause: error });
  }
}

/** Of a path that is none of Quell's: --url leads somewhere below it, or to an older one. */
function isNoPlace(body: unknown): boolean {
  return errorOf(body).startsWith('nothing is at ');
}

function errorOf(body: unknown): string {
  const isError = typeof body === 'object' && body !== null && 'error' in body;
  return isError ? String(body.error) : '';
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
