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
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { parseMatchers } from '../matcher.ts';
import { readSource } from './read-source.ts';
import { lineAt, type RulesFile, type SourceFile } from './source-file.ts';
import { type Entry, flow, inBlock, inFlow, scalar } from './write-entry.ts';

/**
 * A hold or a route whose matchers an entry has already changes that entry, which would never be used below a new one; and
 * a new one stands below entries with more matchers than its own, for the same reason.
 */
export type Edit =
  /** Else before all holds but those of no time, which are exceptions. */
  | { readonly kind: 'hold'; readonly entry: Entry }
  /** Else the first of the routes. One that is there keeps its channel. */
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
      return (
        intoEntry(files, ['hold'], wanted.entry) ??
        intoList(files, ['hold'], [wanted.entry], (list) =>
          Math.max(firstThatHolds(list), belowNarrower(list, wanted.entry)),
        ) ??
        ofNewFile(files, wanted)
      );
    case 'route':
      return (
        intoEntry(files, ['route', 'routes'], wanted.entry) ??
        intoList(files, ['route', 'routes'], [wanted.entry], (list) =>
          belowNarrower(list, wanted.entry),
        ) ??
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
  const index = list.items.findIndex((item) => !isException(item));
  return index < 0 ? list.items.length : index;
}

function isException(item: unknown): boolean {
  if (!isMap(item) || !(item.has('match') || item.has('matchers'))) return false;
  const time = item.get('for');
  return time === 0 || time === '0' || time === '0s';
}

/** Where the entries end that match some of what this one does, by more matchers than it has. */
function belowNarrower(list: YAMLSeq, entry: Entry): number {
  const wanted = conditionsOf(entry['match']);
  const index = list.items.findLastIndex((item) => {
    const own = isMap(item) ? conditionsIn(item) : undefined;
    return own !== undefined && own.size > wanted.size && [...wanted].every((one) => own.has(one));
  });
  return index + 1;
}

/** Changes the entry that has the same matchers, unless it is an exception: that was meant. */
function intoEntry(
  files: readonly RulesFile[],
  path: readonly string[],
  entry: Entry,
): Edited | undefined {
  let edited: Edited | undefined;
  // From the last key on: each that is new comes right below the matchers.
  for (const [key, value] of Object.entries(entry).reverse()) {
    if (key === 'match' || key === 'channel') continue;
    const found = entryLike(edited?.files ?? files, path, entry);
    if (found === undefined) return undefined;
    edited = setIn(edited?.files ?? files, found, key, flow(value));
    if (edited === undefined) return undefined;
  }
  return edited;
}

function entryLike(
  files: readonly RulesFile[],
  path: readonly string[],
  entry: Entry,
): Found<YAMLMap> | undefined {
  const wanted = conditionsOf(entry['match']);
  for (const file of files) {
    const list = find([file], path);
    if (list === undefined || !isSeq(list.node)) continue;
    const node = list.node.items.find((item) => {
      const own = isMap(item) && !isException(item) ? conditionsIn(item) : undefined;
      return own?.size === wanted.size && [...wanted].every((one) => own.has(one));
    });
    if (isMap(node)) return { source: list.source, node };
  }
  return undefined;
}

/** What an entry matches, however it is spelt; undefined where that cannot be said. */
function conditionsIn(item: YAMLMap): ReadonlySet<string> | undefined {
  const lists = ['match', 'matchers'].flatMap((key) => item.get(key, true) ?? []);
  const texts = lists.flatMap((list) => (isSeq(list) ? list.items : [list]));
  return texts.every(isScalar) ? conditionsOf(texts.map(({ value }) => String(value))) : undefined;
}

function conditionsOf(texts: Entry[string] | undefined): ReadonlySet<string> {
  const all = typeof texts === 'object' ? texts : [];
  return new Set(
    all.flatMap((text) => {
      const parsed = parseMatchers(text);
      if (parsed.kind === 'refused') return [text];
      return parsed.matchers.map(({ name, operator, value }) => `${name}${operator}"${value}"`);
    }),
  );
}

function setIn(
  files: readonly RulesFile[],
  { source, node }: Found<YAMLMap>,
  key: string,
  text: string,
): Edited | undefined {
  const old: unknown = node.get(key, true);
  if (isNode(old))
    return old.range ? put(files, source, old.range[0], text, old.range[1]) : undefined;
  const matchers = node.items.find(({ key: name }) => /^match(?:ers)?$/.test(String(name)));
  if (!isNode(matchers?.key) || !matchers.key.range) return undefined;
  const end = endOf(matchers.value);
  if (node.flow === true) return put(files, source, end, `, ${key}: ${text}`);
  const at = nextLine(source, end);
  const indent = ' '.repeat(columnOf(source, matchers.key.range[0]));
  return put(files, source, at, withBreak(source, at, `${indent}${key}: ${text}\n`));
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
