/**
 * Small edits of rules files that leave everything else as it stands: each is a text put in at a place
 * that the YAML library finds, so comments, order and spelling of the rest are kept to the byte.
 */
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Pair,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { readSource } from './read-source.ts';
import { lineAt, type RulesFile, type SourceFile } from './source-file.ts';

/** What an entry says, in the order in which it is written. */
export type Entry = Readonly<Record<string, string | number | readonly string[] | boolean>>;

export type Edit =
  /** Before all holds but those of no time, which are exceptions. */
  | { readonly kind: 'hold'; readonly entry: Entry }
  /** The first of the routes. */
  | { readonly kind: 'route'; readonly entry: Entry }
  /** One more value in a list of a service: dependsOn or aliases. */
  | {
      readonly kind: 'service-list';
      readonly service: string;
      readonly key: 'dependsOn' | 'aliases';
      readonly value: string;
    }
  | { readonly kind: 'services'; readonly entries: readonly Entry[] };

export interface Edited {
  readonly files: readonly RulesFile[];
  /** The file that changed, and its line where the new text begins. */
  readonly file: string;
  readonly line: number;
}

/** Undefined when there is no place for it, as for a service that stands in no file. */
export function edit(files: readonly RulesFile[], wanted: Edit): Edited | undefined {
  switch (wanted.kind) {
    case 'hold':
      return intoList(files, ['hold'], [wanted.entry], firstThatHolds) ?? ofNewFile(files, wanted);
    case 'route':
      return (
        intoList(files, ['route', 'routes'], [wanted.entry], () => 0) ??
        intoRoute(files, wanted.entry) ??
        ofNewFile(files, wanted)
      );
    case 'service-list':
      return intoService(files, wanted);
    case 'services':
      return (
        intoList(files, ['services'], wanted.entries, (list) => list.items.length) ??
        ofNewFile(files, wanted)
      );
  }
}

// --- where --------------------------------------------------------------------------------------

interface Found<T> {
  readonly source: SourceFile;
  readonly node: T;
}

function find(files: readonly RulesFile[], path: readonly string[]): Found<unknown> | undefined {
  for (const file of files) {
    const read = readSource(file);
    if (read.kind !== 'data') continue;
    const node: unknown = documentOf(read.source)?.getIn(path, true);
    if (isNode(node)) return { source: read.source, node };
  }
  return undefined;
}

function documentOf({ document }: SourceFile): Document | undefined {
  return document;
}

function intoList(
  files: readonly RulesFile[],
  path: readonly string[],
  entries: readonly Entry[],
  placeIn: (list: YAMLSeq) => number,
): Edited | undefined {
  const found = find(files, path);
  if (found === undefined || !isSeq(found.node) || found.node.items.length === 0) return undefined;
  const { source, node } = found;
  const index = placeIn(node);
  const item = node.items[index];
  if (node.flow === true) {
    const texts = entries.map(inFlow);
    const start = isNode(item) ? item.range?.[0] : undefined;
    if (start !== undefined) return put(files, source, start, `${texts.join(', ')}, `);
    return put(files, source, endOf(node.items.at(-1)), `, ${texts.join(', ')}`);
  }
  const dash = ' '.repeat(columnOf(source, dashBefore(source, node.items[0])));
  const text = entries.map((entry) => inBlock(entry, dash)).join('');
  const at =
    item === undefined
      ? nextLine(source, endOf(node.items.at(-1)))
      : aboveComments(source, lineStart(source, dashBefore(source, item)));
  return put(files, source, at, withBreak(source, at, text));
}

/** A hold of no time makes an exception of what matters most: it stays first, unless it takes everything. */
function firstThatHolds(list: YAMLSeq): number {
  const index = list.items.findIndex((item) => {
    if (!isMap(item) || !(item.has('match') || item.has('matchers'))) return true;
    const time = item.get('for');
    return time !== 0 && time !== '0' && time !== '0s';
  });
  return index < 0 ? list.items.length : index;
}

/** A route without children gets some. */
function intoRoute(files: readonly RulesFile[], entry: Entry): Edited | undefined {
  const found = find(files, ['route']);
  if (found === undefined || !isMap(found.node) || found.node.has('routes')) return undefined;
  return intoMap(files, found.source, found.node, 'routes', [entry]);
}

type ServiceList = Extract<Edit, { readonly kind: 'service-list' }>;

function intoService(
  files: readonly RulesFile[],
  { service, key, value }: ServiceList,
): Edited | undefined {
  const found = serviceNamed(files, service);
  if (found === undefined) return undefined;
  const { source, node } = found;
  const list: unknown = node.get(key, true);
  if (list === undefined) return intoMap(files, source, node, key, value);
  if (isScalar(list)) {
    const { range } = list;
    if (!range) return undefined;
    const before = source.text.slice(range[0], range[1]);
    return put(files, source, range[0], `[${before}, ${scalar(value)}]`, range[1]);
  }
  if (!isSeq(list) || list.items.length === 0) return undefined;
  const end = endOf(list.items.at(-1));
  if (list.flow === true) return put(files, source, end, `, ${scalar(value)}`);
  const indent = ' '.repeat(columnOf(source, dashBefore(source, list.items[0])));
  const at = nextLine(source, end);
  return put(files, source, at, withBreak(source, at, `${indent}- ${scalar(value)}\n`));
}

function serviceNamed(files: readonly RulesFile[], name: string): Found<YAMLMap> | undefined {
  for (const file of files) {
    const list = find([file], ['services']);
    if (list === undefined || !isSeq(list.node)) continue;
    const node = list.node.items.find((item) => isMap(item) && item.get('name') === name);
    if (isMap(node)) return { source: list.source, node };
  }
  return undefined;
}

/** A key that the mapping does not have yet, at its end. */
function intoMap(
  files: readonly RulesFile[],
  source: SourceFile,
  map: YAMLMap,
  key: string,
  value: string | readonly Entry[],
): Edited | undefined {
  const first: Pair | undefined = map.items[0];
  const last: Pair | undefined = map.items.at(-1);
  if (first === undefined || !isNode(first.key) || !first.key.range) return undefined;
  const end = endOf(last?.value ?? last?.key);
  if (map.flow === true) {
    const list = typeof value === 'string' ? scalar(value) : value.map(inFlow).join(', ');
    return put(files, source, end, `, ${key}: [${list}]`);
  }
  const indent = ' '.repeat(columnOf(source, first.key.range[0]));
  const lines =
    typeof value === 'string'
      ? `${indent}${key}: [${scalar(value)}]\n`
      : `${indent}${key}:\n${value.map((entry) => inBlock(entry, `${indent}  `)).join('')}`;
  const at = nextLine(source, end);
  return put(files, source, at, withBreak(source, at, lines));
}

// --- what ---------------------------------------------------------------------------------------

const NEW_FILES = { hold: 'quiet.yaml', route: 'routes.yaml', services: 'services.yaml' } as const;

/** At the end of the file where such entries usually stand; a new one if there is none. */
function ofNewFile(
  files: readonly RulesFile[],
  wanted: Exclude<Edit, ServiceList>,
): Edited | undefined {
  // An empty list, or one in a shape of its own: whoever wrote it knows better.
  if (find(files, [wanted.kind]) !== undefined) return undefined;
  const name = NEW_FILES[wanted.kind];
  const text = newText(wanted);
  const present = files.find((file) => file.name === name);
  if (present === undefined) return { files: [...files, { name, text }], file: name, line: 1 };
  const whole = present.text.endsWith('\n') || present.text === '' ? '' : '\n';
  const before = present.text + whole;
  const changed = { name, text: before + text };
  return {
    files: files.map((file) => (file === present ? changed : file)),
    file: name,
    line: before.split('\n').length,
  };
}

function newText(wanted: Exclude<Edit, ServiceList>): string {
  switch (wanted.kind) {
    case 'hold':
      return `hold:\n${inBlock(wanted.entry, '  ')}`;
    case 'route':
      return `route:\n  routes:\n${inBlock(wanted.entry, '    ')}`;
    case 'services':
      return `services:\n${wanted.entries.map((entry) => inBlock(entry, '  ')).join('')}`;
  }
}

function inBlock(entry: Entry, dash: string): string {
  return Object.entries(entry)
    .map(([key, value], index) => `${dash}${index === 0 ? '- ' : '  '}${key}: ${flow(value)}\n`)
    .join('');
}

/** `{ match: [...], for: 3m }`: as one may write it into a list. */
export function inFlow(entry: Entry): string {
  const parts = Object.entries(entry).map(([key, value]) => `${key}: ${flow(value)}`);
  return `{ ${parts.join(', ')} }`;
}

function flow(value: Entry[string]): string {
  if (typeof value === 'string') return scalar(value);
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : `[${value.map(quoted).join(', ')}]`;
}

/** As it may stand in a flow, where commas and brackets end a plain text. */
function scalar(text: string): string {
  return /[[\]{},]/.test(text)
    ? quoted(text)
    : stringify(text, { singleQuote: true, lineWidth: 0 }).trim();
}

/** Matchers are quoted in every example. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

// --- text ---------------------------------------------------------------------------------------

function put(
  files: readonly RulesFile[],
  source: SourceFile,
  at: number,
  text: string,
  until = at,
): Edited {
  const own = source.text.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
  const changed = source.text.slice(0, at) + own + source.text.slice(until);
  const line = lineAt(source, at) + (text.startsWith('\n') ? 1 : 0);
  return {
    files: files.map((file) =>
      file.name === source.name ? { name: file.name, text: bom(file) + changed } : file,
    ),
    file: source.name,
    line,
  };
}

/** Places are counted without it. */
function bom({ text }: RulesFile): string {
  return text.startsWith('\uFEFF') ? '\uFEFF' : '';
}

function endOf(node: unknown): number {
  return isNode(node) && node.range ? node.range[1] : 0;
}

function dashBefore(source: SourceFile, item: unknown): number {
  const start = isNode(item) && item.range ? item.range[0] : 0;
  return source.text.lastIndexOf('-', start);
}

function lineStart(source: SourceFile, at: number): number {
  return source.text.lastIndexOf('\n', at - 1) + 1;
}

/** What is said right above an entry belongs to it. */
function aboveComments(source: SourceFile, at: number): number {
  let start = at;
  while (start > 0) {
    const before = lineStart(source, start - 1);
    if (!/^[ \t]*#/.test(source.text.slice(before, start))) return start;
    start = before;
  }
  return start;
}

function columnOf(source: SourceFile, at: number): number {
  return at - lineStart(source, at);
}

/** Where the line after a place begins; at the end of a file without a last line break, the end. */
function nextLine(source: SourceFile, at: number): number {
  if (at > 0 && source.text[at - 1] === '\n') return at;
  const end = source.text.indexOf('\n', at);
  return end < 0 ? source.text.length : end + 1;
}

/** A text that begins a line, also after a last line without a line break. */
function withBreak(source: SourceFile, at: number, text: string): string {
  return at === 0 || source.text[at - 1] === '\n' ? text : `\n${text.trimEnd()}`;
}
