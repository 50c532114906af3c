/**
 * What one commit adds to history, as the texts that are written: first to the journal, where they are
 * safe, and later to LMDB, where they are found. Made once, so that nothing is put into JSON twice.
 */
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident } from '../contract.ts';

/** Decisions of one commit and one instant, at most CHUNK_MAX. */
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

export interface Chunk {
  readonly rules: string;
  readonly decisions: readonly Decision[];
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
    chunks.push(chunkText(first, { rules, decisions: decisions.slice(first, end) }));
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

export function chunkText(index: number, chunk: Chunk, text = JSON.stringify(chunk)): ChunkText {
  const services = new Set<string>();
  const incidents = new Set<string>();
  for (const { service, incident } of chunk.decisions) {
    if (service !== undefined) services.add(service);
    if (incident !== undefined) incidents.add(incident);
  }
  const { decisions } = chunk;
  const at = decisions[0]?.at ?? 0;
  return { at, index, count: decisions.length, text, services, incidents };
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
