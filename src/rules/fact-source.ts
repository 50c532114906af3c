/**
 * Where a fact stands in an alert: a label, an annotation, or a pattern in its text. Runs for every
 * new alert, so each list of sources becomes one function beforehand.
 */
import type { Labels, ReceivedAlert } from '../model.ts';
import { SUBJECT_MAX } from './regex.ts';

export type FactSource =
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'annotation'; readonly name: string }
  /** Searches the text of all annotations. */
  | { readonly kind: 'text'; readonly find: (text: string) => readonly string[] };

/** Values longer than this are no names. */
const VALUE_MAX = 1_024;
const ANNOTATIONS_MAX = 32;

export function labels(...names: readonly string[]): FactSource[] {
  return names.map((name) => ({ kind: 'label', name }));
}
export function annotations(...names: readonly string[]): FactSource[] {
  return names.map((name) => ({ kind: 'annotation', name }));
}

/** The first source that is there and not blank. */
export function firstValue(
  sources: readonly FactSource[],
): (alert: ReceivedAlert) => string | undefined {
  const end = sources.findIndex(({ kind }) => kind !== 'label');
  const at = end < 0 ? sources.length : end;
  const [first, rest] = [sources.slice(0, at), sources.slice(at)];
  if (rest.every(({ kind }) => kind === 'annotation')) {
    const [names, notes] = [namesOf(first), namesOf(rest)];
    return (alert) => firstOwn(alert.labels, names) ?? firstOwn(alert.annotations, notes);
  }
  const readers = sources.map(reader);
  return (alert) => {
    for (const read of readers) {
      const value = read(alert);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function namesOf(sources: readonly FactSource[]): readonly string[] {
  return sources.flatMap((source) => (source.kind === 'text' ? [] : [source.name]));
}

function reader(source: FactSource): (alert: ReceivedAlert) => string | undefined {
  switch (source.kind) {
    case 'label':
      return (alert) => own(alert.labels, source.name);
    case 'annotation':
      return (alert) => own(alert.annotations, source.name);
    case 'text':
      return (alert) => {
        for (const text of texts(alert)) {
          const found = source.find(text)[0];
          if (found !== undefined) return found;
        }
        return undefined;
      };
  }
}

function firstOwn(set: Labels, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = own(set, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** JSON objects inherit, so a value counts only when it is text; blank is as good as absent. */
export function own(set: Labels, name: string): string | undefined {
  const value: unknown = set[name];
  if (typeof value !== 'string' || value === '') return undefined;
  const last = value.charCodeAt(value.length - 1);
  if (value.charCodeAt(0) > 32 && last > 32 && value.length <= VALUE_MAX) return value;
  const trimmed = value.slice(0, VALUE_MAX).trim();
  return trimmed === '' ? undefined : trimmed;
}

/** The texts of an alert that patterns search: its annotations, each cut to a limit. */
export function texts(alert: ReceivedAlert): readonly string[] {
  const found: string[] = [];
  for (const name in alert.annotations) {
    const value: unknown = alert.annotations[name];
    if (typeof value !== 'string' || value === '') continue;
    found.push(value.length > SUBJECT_MAX ? value.slice(0, SUBJECT_MAX) : value);
    if (found.length >= ANNOTATIONS_MAX) break;
  }
  return found;
}
