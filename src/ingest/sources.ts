/**
 * Which parser reads what: one table for the live service, for recovery after a crash and for replay.
 *
 * Adding a source: a parser file, a line here and in rules/rules.ts, samples with tests, docs/ingest.md.
 */
import { over, SHAPE } from '../limits.ts';
import type { Mapping, SOURCES } from '../rules/rules.ts';
import { parseAlertmanager } from './alertmanager.ts';
import { tooMuchIn } from './counts.ts';
import { parseGeneric } from './generic.ts';
import { readJsonOf } from './digits.ts';
import { parseGrafana } from './grafana.ts';
import { textOf } from './json.ts';
import { parseMapped } from './mapped.ts';
import type { DeliveryContext, Parsed } from './parsed.ts';
import { parsePrometheus } from './prometheus.ts';

type Parser = (body: unknown, context: DeliveryContext) => Parsed;

const PARSERS: ReadonlyMap<string, Parser> = new Map(
  Object.entries({
    alertmanager: parseAlertmanager,
    grafana: parseGrafana,
    prometheus: parsePrometheus,
    generic: parseGeneric,
  } satisfies Record<(typeof SOURCES)[number], Parser>),
);

export type Mappings = ReadonlyMap<string, Mapping>;

export const NO_MAPPINGS: Mappings = new Map();

/** Names that /v1/ingest/ knows, for the answer to one that it does not. */
export function sourceNames(mappings: Mappings): readonly string[] {
  return [...new Set([...PARSERS.keys(), ...mappings.keys()])].sort();
}

export function knowsSource(source: string, mappings: Mappings): boolean {
  return mappings.has(source) || PARSERS.has(source);
}

/** Reads a body that is JSON already. A mapping takes precedence over a parser of the same name. */
export function parseDelivery(body: unknown, context: DeliveryContext, mappings: Mappings): Parsed {
  const { source } = context;
  const mapping = mappings.get(source);
  if (mapping !== undefined) return parseMapped(body, mapping, context);
  const parse = PARSERS.get(source);
  if (parse !== undefined) return parse(body, context);
  const error = `there is no source "${source}": expected one of ${sourceNames(mappings).join(', ')}`;
  return { kind: 'refused', field: 'source', error };
}

const MUCH = { values: 'values', names: 'different names' } as const;

/** Reads a body as it came in. */
export function parseBytes(body: Uint8Array, context: DeliveryContext, mappings: Mappings): Parsed {
  const much = tooMuchIn(body, SHAPE);
  if (much !== undefined) {
    const error = `body: more than ${SHAPE[much]} ${MUCH[much]}: send smaller batches`;
    return { kind: 'refused', field: 'body', error: over(much, error) };
  }
  const json = readJsonOf(textOf(body));
  if (json.kind === 'bad') return { kind: 'refused', field: 'body', error: json.error };
  return parseDelivery(json.value, context, mappings);
}
