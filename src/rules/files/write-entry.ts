/**
 * Entries of rules files as text, in the spelling of our examples.
 */
import { stringify } from 'yaml';

/** What an entry says, in the order in which it is written. */
export type Entry = Readonly<Record<string, string | number | readonly string[] | boolean>>;

export function inBlock(entry: Entry, dash: string): string {
  return Object.entries(entry)
    .map(([key, value], index) => `${dash}${index === 0 ? '- ' : '  '}${key}: ${flow(value)}\n`)
    .join('');
}

/** `{ match: [...], for: 3m }`: as one may write it into a list. */
export function inFlow(entry: Entry): string {
  const parts = Object.entries(entry).map(([key, value]) => `${key}: ${flow(value)}`);
  return `{ ${parts.join(', ')} }`;
}

export function flow(value: Entry[string]): string {
  if (typeof value === 'string') return scalar(value);
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : `[${value.map(quoted).join(', ')}]`;
}

/** As it may stand in a flow, where commas and brackets end a plain text. */
export function scalar(text: string): string {
  return /[[\]{},]/.test(text)
    ? quoted(text)
    : stringify(text, { singleQuote: true, lineWidth: 0 }).trim();
}

/** Matchers are quoted in every example. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
