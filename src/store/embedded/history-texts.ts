/**
 * What one commit adds to history, as the texts that are written: first to the journal, where they are
 * safe, and later to LMDB, where they are found. Made once, so that nothing is put into JSON twice.
 */
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident } from '../contract.ts';

export interface Chunk {
  readonly rules: string;
  readonly decisions: readonly Decision[];
  /** How many decisions at its beginning were pruned. */
  readonly pruned?: number;
}

export interface ChunkText {
  readonly at: Instant;
  /** Index of its first decision in the commit. */
  readonly index: number;
  readonly count: number;
  /** JSON of a `Chunk`. */
  readonly text: string;
  readonly services: ReadonlySet<string>;
  readonly incidents: ReadonlySet<string>;
}

export interface ClosedText {
  readonly closed: ClosedIncident;
  readonly text: string;
}

export interface HistoryTexts {
  readonly chunks: readonly ChunkText[];
  readonly closed: readonly ClosedText[];
}

/** Keeps small what a query for one service reads beside what it returns. */
const CHUNK_MAX = 64;

export function historyTexts(
  decisions: readonly Decision[],
  rules: string,
  closed: readonly ClosedIncident[],
): HistoryTexts {
  const chunks: ChunkText[] = [];
  let first = 0;
  while (first < decisions.length) {
    const end = endOfChunk(decisions, first);
    const chunk = { rules, decisions: decisions.slice(first, end) };
    chunks.push(chunkText(first, chunk, JSON.stringify(chunk)));
    first = end;
  }
  return { chunks, closed: closed.map((one) => ({ closed: one, text: JSON.stringify(one) })) };
}

function endOfChunk(decisions: readonly Decision[], first: number): number {
  let end = first + 1;
  const max = Math.min(decisions.length, first + CHUNK_MAX);
  while (end < max && decisions[end]?.at === decisions[first]?.at) end += 1;
  return end;
}

function chunkText(index: number, { decisions }: Chunk, text: string): ChunkText {
  const at = decisions[0]?.at ?? 0;
  return { at, index, count: decisions.length, text, ...termsOf(decisions) };
}

/** The services and incidents that decisions are about. */
export function termsOf(decisions: readonly Decision[]): {
  readonly services: ReadonlySet<string>;
  readonly incidents: ReadonlySet<string>;
} {
  const services = new Set<string>();
  const incidents = new Set<string>();
  for (const { service, incident } of decisions) {
    if (service !== undefined) services.add(service);
    if (incident !== undefined) incidents.add(incident);
  }
  return { services, incidents };
}

/** Reads back what the journal holds. Written by `historyTexts`. */
export function parseHistory(chunks: readonly string[], closed: readonly string[]): HistoryTexts {
  let index = 0;
  return {
    chunks: chunks.map((text) => {
      const chunk = chunkText(index, JSON.parse(text) as Chunk, text);
      index += chunk.count;
      return chunk;
    }),
    closed: closed.map((text) => ({ closed: JSON.parse(text) as ClosedIncident, text })),
  };
}
