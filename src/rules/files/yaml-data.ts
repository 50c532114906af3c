/**
 * From a YAML document to plain data, in one walk that also finds keys that stand twice and stops at
 * what is deeper or larger than rules can be, aliases counted as what they stand for.
 *
 * An alias shares the data of its anchor, so a document never takes more memory than its text; what is
 * limited is the work of whoever walks over the data.
 */
import {
  type Alias,
  type Document,
  type Node,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
} from 'yaml';
import type { Span } from './source-file.ts';

const DEPTH_MAX = 40;
const VALUES_MAX = 500_000;
const DUPLICATES_MAX = 50;

interface Duplicate {
  readonly name: string;
  readonly span: Span;
  /** Offset of the first. */
  readonly first: number;
}

type PlainData =
  | {
      readonly kind: 'data';
      readonly data: unknown;
      readonly duplicates: readonly Duplicate[];
    }
  | Refused;

interface Refused {
  readonly kind: 'refused';
  readonly message: string;
  readonly hint: string | undefined;
  readonly span: Span;
}

/** Data as it becomes: how many values are in it, and how deep it is. */
interface Made {
  readonly value: unknown;
  readonly size: number;
  readonly height: number;
}

interface Walk {
  readonly anchors: Map<string, Made>;
  readonly duplicates: Duplicate[];
  values: number;
  refused: Refused | undefined;
}

export function plainData(document: Document): PlainData {
  const walk: Walk = { anchors: new Map(), duplicates: [], values: 0, refused: undefined };
  const { value } = make(document.contents, walk, 0);
  if (walk.refused !== undefined) return walk.refused;
  return { kind: 'data', data: value, duplicates: walk.duplicates };
}

const NOTHING: Made = { value: null, size: 1, height: 0 };
const TOO_MUCH = 'nested deeper, or larger, than rules can be';

function make(node: unknown, walk: Walk, depth: number): Made {
  walk.values += 1;
  if (depth > DEPTH_MAX || walk.values > VALUES_MAX) refuse(walk, node, TOO_MUCH);
  if (walk.refused !== undefined) return NOTHING;
  if (isAlias(node)) return standFor(node, walk, depth);
  if (isScalar(node)) return anchored(node, { value: node.value, size: 1, height: 0 }, walk);
  if (isMap(node)) return anchored(node, makeMap(node.items, walk, depth), walk);
  if (isSeq(node)) return anchored(node, makeList(node.items, walk, depth), walk);
  return NOTHING;
}

function anchored(node: Node & { readonly anchor?: string }, made: Made, walk: Walk): Made {
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, made);
  return made;
}

/** The first reason counts. */
function refuse(walk: Walk, node: unknown, message: string, hint?: string): void {
  const [start = 0, end = 0] = (isNode(node) ? node.range : undefined) ?? [];
  walk.refused ??= { kind: 'refused', message, hint, span: { start, end } };
}

function standFor(alias: Alias, walk: Walk, depth: number): Made {
  const made = walk.anchors.get(alias.source);
  if (made === undefined) {
    const message = `*${alias.source} stands for nothing: no &${alias.source} ends before it`;
    refuse(walk, alias, message, 'a text that begins with * stands in quotes');
    return NOTHING;
  }
  walk.values += made.size;
  if (walk.values > VALUES_MAX)
    refuse(walk, alias, 'up to here its aliases (*name) expand to too much');
  else if (depth + made.height > DEPTH_MAX) refuse(walk, alias, TOO_MUCH);
  return made;
}

function makeList(items: readonly unknown[], walk: Walk, depth: number): Made {
  const list: unknown[] = [];
  let size = 1;
  let height = 0;
  for (const item of items) {
    const made = make(item, walk, depth + 1);
    list.push(made.value);
    size += made.size;
    height = Math.max(height, made.height + 1);
  }
  return { value: list, size, height };
}

function makeMap(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  walk: Walk,
  depth: number,
): Made {
  const object: Record<string, unknown> = {};
  const starts = new Map<string, number>();
  let size = 1;
  let height = 0;
  for (const { key, value } of items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const made = make(value, walk, depth + 1);
    if (isScalar(key)) noteTwice(name, key.range, starts, walk);
    put(object, name, made.value);
    size += made.size;
    height = Math.max(height, made.height + 1);
  }
  return { value: object, size, height };
}

/** `__proto__` is a key like any other. */
function put(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(object, name, own);
  }
}

function noteTwice(
  name: string,
  range: readonly number[] | null | undefined,
  starts: Map<string, number>,
  walk: Walk,
): void {
  const [start = 0, end = 0] = range ?? [];
  const first = starts.get(name);
  if (first === undefined) starts.set(name, start);
  else if (walk.duplicates.length < DUPLICATES_MAX)
    walk.duplicates.push({ name, span: { start, end }, first });
}
