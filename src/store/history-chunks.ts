/**
 * How history is cut into pieces, whatever keeps them: decisions lie in chunks, and an index row says for a
 * service, or an incident, that some of its decisions lie in a span of time.
 *
 * All decisions of a chunk share their instant, so chunks never overlap in time. An index row stands for a
 * span of ten seconds, because it is the number of rows, each in its own place, that costs: whoever follows
 * one looks through the chunks of that span.
 */
import type { Decision, Instant } from '../model.ts';
import type { Commit, HistoryQuery } from './contract.ts';
import type { DecisionPlace } from './history-order.ts';

export interface Chunk {
  readonly rules: string;
  readonly decisions: readonly Decision[];
}

export interface PlacedChunk {
  /** Of its first decision. */
  readonly place: DecisionPlace;
  readonly chunk: Chunk;
}

/** Keeps small what a query reads beside what it returns. */
const CHUNK_MAX = 256;

/** What a commit adds to history. */
export function chunksOf({
  version,
  rules,
  decisions,
}: Pick<Commit, 'version' | 'rules' | 'decisions'>): readonly PlacedChunk[] {
  const chunks: PlacedChunk[] = [];
  for (let first = 0; first < decisions.length; ) {
    const at = decisions[first]?.at ?? 0;
    const max = Math.min(decisions.length, first + CHUNK_MAX);
    let end = first + 1;
    while (end < max && decisions[end]?.at === at) end += 1;
    const place = { at, commit: version, index: first };
    chunks.push({ place, chunk: { rules, decisions: decisions.slice(first, end) } });
    first = end;
  }
  return chunks;
}

const SPAN_MS = 10_000;

export function spanOf(at: Instant): number {
  return Math.floor(at / SPAN_MS);
}

/** The instants of a span: from inclusive, to exclusive. */
export function spanBounds(span: number): { readonly from: Instant; readonly to: Instant } {
  return { from: span * SPAN_MS, to: (span + 1) * SPAN_MS };
}

/** What is left of a query within a span. */
export function withinSpan(query: HistoryQuery, span: number): HistoryQuery {
  const { from, to } = spanBounds(span);
  return {
    ...query,
    from: Math.max(from, query.from ?? from),
    to: Math.min(to, query.to ?? to),
  };
}

/** What an index row is about: `s` and a service, or `i` and an incident. */
export type Term = readonly [kind: 's' | 'i', name: string];

/** The term that leads to the fewest chunks for a query, if it names one. */
export function termOfQuery({ service, incident }: HistoryQuery): Term | undefined {
  if (incident !== undefined) return ['i', incident];
  return service === undefined ? undefined : ['s', service];
}

/** Each distinct service and incident among the decisions, by what names it in memory. */
export function termsOf(decisions: readonly Decision[]): Map<string, Term> {
  const terms = new Map<string, Term>();
  for (const { service, incident } of decisions) {
    if (service !== undefined) terms.set(`s${service}`, ['s', service]);
    if (incident !== undefined) terms.set(`i${incident}`, ['i', incident]);
  }
  return terms;
}

/** Index rows that are written already: the newest span is the one that is written to. */
export interface Indexed {
  span: number;
  readonly services: Set<string>;
  readonly incidents: Set<string>;
}

export function nothingIndexed(): Indexed {
  return { span: Number.NaN, services: new Set(), incidents: new Set() };
}

/** What is written of the newest span may be gone. */
export function forgetIndexed(indexed: Indexed): void {
  indexed.services.clear();
  indexed.incidents.clear();
}

/** Terms of a chunk that have no row in its span yet; they count as written from now on. */
export function newTerms(
  indexed: Indexed,
  span: number,
  decisions: readonly Decision[],
): readonly Term[] {
  if (span !== indexed.span) {
    indexed.span = span;
    forgetIndexed(indexed);
  }
  // The names themselves are looked up: nearly all are known, and a term costs more than that.
  const { services, incidents } = indexed;
  const terms: Term[] = [];
  for (const { service, incident } of decisions) {
    if (service !== undefined && !services.has(service)) {
      services.add(service);
      terms.push(['s', service]);
    }
    if (incident !== undefined && !incidents.has(incident)) {
      incidents.add(incident);
      terms.push(['i', incident]);
    }
  }
  return terms;
}
