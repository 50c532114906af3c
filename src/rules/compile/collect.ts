/**
 * All files as one: lists joined in the order of the files' names, single settings stated once.
 *
 * An entry that is wrong is reported and left out, and the rest goes on, so that all errors of all
 * files are found at once. Names in entries that were left out are kept, so that nobody is told that
 * what they refer to does not exist.
 */
import type { z } from 'zod';
import { over, SHAPE } from '../../limits.ts';
import { LISTS, NAMED, SINGLES, SPELLINGS } from './schema.ts';
import { parseAt } from './schema-errors.ts';
import { type Report, below } from '../files/report.ts';
import { readSource } from '../files/read-source.ts';
import { type Place, type RulesFile, type SourceFile, refOf } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';

/** A value and where it stands. */
export interface Entry<T> {
  readonly value: T;
  readonly place: Place;
}

type Lists = typeof LISTS;
type Singles = typeof SINGLES;
type Named = typeof NAMED;

export type Collected = {
  readonly [K in keyof Lists]: readonly Entry<z.output<Lists[K]>>[];
} & {
  readonly [K in keyof Singles]: Entry<z.output<Singles[K]>> | undefined;
} & {
  readonly [K in keyof Named]: readonly (Entry<z.output<Named[K]>> & { readonly name: string })[];
} & {
  /** True when a file could not be read whole: then nothing can be said to be missing. */
  readonly partial: boolean;
  /** True when an entry that is wrong, or could not be read, may define the name: then that cannot be said to be missing. */
  readonly mayDefine: (name: string) => boolean;
  /** True when the key is stated at all, even by an empty list. */
  readonly states: (key: keyof Lists) => boolean;
};

interface Raw {
  readonly place: Place;
  readonly value: unknown;
}

const KEYS: readonly string[] = [
  ...Object.keys(LISTS),
  ...Object.keys(SINGLES),
  ...Object.keys(NAMED),
];

interface CollectOptions {
  /** True when some file could not even be read. */
  readonly incomplete: boolean;
}

export function collect(
  files: readonly RulesFile[],
  report: Report,
  { incomplete }: CollectOptions,
): Collected {
  const raws = new Map<string, Raw[]>();
  let partial = incomplete;
  for (const file of files) {
    const read = readSource(file);
    if (read.kind === 'empty') continue;
    report.add(read.errors);
    partial ||= read.errors.length > 0;
    if (read.kind === 'data') readKeys(read.source, read.data, raws, report);
  }
  const names = new Set<string>();
  const all = {
    ...valuesOf(LISTS, (key, schema) => listOf(key, schema, raws, names, report)),
    ...valuesOf(SINGLES, (key, schema) => singleOf(key, schema, raws, report)),
    ...valuesOf(NAMED, (key, schema) => namedOf(key, schema, raws, report)),
    partial,
    mayDefine: (name: string) => partial || names.has(name.toLowerCase()),
    states: (key: keyof Lists) => raws.has(key),
  };
  // Each key has what its own schema gives, which Object.entries forgets.
  return all as unknown as Collected;
}

function valuesOf<T>(
  schemas: Readonly<Record<string, z.ZodType>>,
  read: (key: string, schema: z.ZodType) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, read(key, schema)]),
  );
}

const ALERTMANAGERS = 'this is of an alertmanager.yml: `quell import` makes rules of one';
/** What a file of something else begins with. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ['global', ALERTMANAGERS],
  ['receivers', ALERTMANAGERS],
  ['templates', ALERTMANAGERS],
  ['groups', 'these are rules for Prometheus, which makes alerts of them: they stay there'],
  ['tests', 'tests stand in files named *.test.yaml'],
]);

function readKeys(
  source: SourceFile,
  data: Record<string, unknown>,
  raws: Map<string, Raw[]>,
  report: Report,
): void {
  for (const [written, value] of Object.entries(data)) {
    const place: Place = { source, path: [written] };
    const key = Object.hasOwn(SPELLINGS, written) ? (SPELLINGS[written] ?? written) : written;
    if (!KEYS.includes(key)) {
      const hint =
        OTHERS.get(written) ?? didYouMean(written, KEYS) ?? `known here: ${KEYS.join(', ')}`;
      report.error(place, `unknown key "${written}"`, hint, 'key');
      continue;
    }
    // A key with nothing but comments under it says nothing.
    if (value === null) continue;
    const before = raws.get(key);
    if (before === undefined) raws.set(key, [{ place, value }]);
    else before.push({ place, value });
  }
}

function listOf<T>(
  key: string,
  schema: z.ZodType<T>,
  raws: ReadonlyMap<string, readonly Raw[]>,
  names: Set<string>,
  report: Report,
): readonly Entry<T>[] {
  const entries: Entry<T>[] = [];
  for (const { place, value } of raws.get(key) ?? []) {
    if (!Array.isArray(value)) {
      report.error(place, `"${key}" is a list`, 'begin each entry with "- "', 'key');
      continue;
    }
    if (value.length > SHAPE['rules-list']) {
      const error = `"${key}" has ${value.length} entries, more than ${SHAPE['rules-list']}`;
      report.error(place, over('rules-list', error), 'put some into another file', 'key');
      continue;
    }
    for (const [i, item] of value.entries()) {
      const at = below(place, i);
      const parsed = parseAt(schema, item, at, report);
      if (parsed.kind === 'value') entries.push({ value: parsed.value, place: at });
      else for (const name of namesIn(item)) names.add(name.toLowerCase());
    }
  }
  return entries;
}

function namesIn(item: unknown): readonly string[] {
  if (typeof item !== 'object' || item === null) return [];
  const name: unknown = 'name' in item ? item.name : undefined;
  const aliases: unknown = 'aliases' in item ? item.aliases : undefined;
  const all: readonly unknown[] = [name, ...(Array.isArray(aliases) ? aliases : [aliases])];
  return all.filter((one) => typeof one === 'string');
}

function singleOf<T>(
  key: string,
  schema: z.ZodType<T>,
  raws: ReadonlyMap<string, readonly Raw[]>,
  report: Report,
): Entry<T> | undefined {
  const [first, ...more] = raws.get(key) ?? [];
  if (first === undefined) return undefined;
  for (const { place } of more) {
    const message = `"${key}" is stated twice: also in ${refOf(first.place, 'key')}`;
    report.error(place, message, 'it can be stated in one file only', 'key');
  }
  const list = `${key}s`;
  if (isListOfNamed(first.value) && Object.hasOwn(LISTS, list)) {
    const message = `"${key}" says where alerts name it, and is no list of what there is`;
    report.error(first.place, message, `did you mean "${list}"?`, 'key');
    return undefined;
  }
  const parsed = parseAt(schema, first.value, first.place, report);
  return parsed.kind === 'value' ? { value: parsed.value, place: first.place } : undefined;
}

function isListOfNamed(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item) => namesIn(item).length > 0)
  );
}

function namedOf<T>(
  key: string,
  schema: z.ZodType<T>,
  raws: ReadonlyMap<string, readonly Raw[]>,
  report: Report,
): readonly (Entry<T> & { readonly name: string })[] {
  const found = new Map<string, Entry<T> & { readonly name: string }>();
  for (const { place, value } of raws.get(key) ?? []) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      report.error(place, `"${key}" is a mapping from names to entries`, undefined, 'key');
      continue;
    }
    for (const [name, item] of Object.entries(value)) {
      const at = below(place, name);
      const before = found.get(name);
      if (before !== undefined) {
        report.error(
          at,
          `"${name}" is stated twice: also in ${refOf(before.place, 'key')}`,
          undefined,
          'key',
        );
        continue;
      }
      const parsed = parseAt(schema, item, at, report);
      if (parsed.kind === 'value') found.set(name, { name, value: parsed.value, place: at });
    }
  }
  return [...found.values()];
}
