/**
 * Makes the changes that an explanation names, as a person would: in the entry at its line, or as a new
 * entry that comes first. For tests that replay what then happens.
 */
import { type Document, isMap, isSeq, type Node, parse, parseDocument, type YAMLMap } from 'yaml';
import type { RuleChange } from '../../src/explain/change.ts';

export type Way = 'in-the-entry-that-decided' | 'by-an-entry-of-its-own';

/** The rules with all changes made, this way where there are two. Throws when there is none. */
export function changed(yaml: string, changes: readonly RuleChange[], way: Way): string {
  // From the last line to the first: an edit moves only what stands below it.
  const ordered = [...changes].sort((one, other) => lineOf(other.rule) - lineOf(one.rule));
  return ordered.reduce((text, change) => changeOne(text, change, way), yaml);
}

function changeOne(yaml: string, change: RuleChange, way: Way): string {
  const document: Document = parseDocument(yaml);
  document.contents ??= document.createNode({});
  const { section, set, except, entry, rule } = change;
  const matchers = section === 'inhibit' ? 'targetMatchers' : 'match';
  if (except !== undefined) entryAt(document, yaml, rule).addIn([matchers], except);
  else if (section === 'storm') document.set('storm', parse(`{ ${set} }`));
  else if (set !== undefined && (way === 'in-the-entry-that-decided' || entry === undefined)) {
    for (const [key, value] of Object.entries<unknown>(parse(set)))
      entryAt(document, yaml, rule).set(key, value);
  } else if (entry === undefined) throw new Error(`nothing to change: ${JSON.stringify(change)}`);
  else if (section === 'route') {
    const route = lineOf(rule) > 0 ? entryAt(document, yaml, rule) : rootRoute(document);
    first(document, route, 'routes', entry);
  } else if (isMap(document.contents)) first(document, document.contents, section ?? '', entry);
  return document.toString();
}

function rootRoute(document: Document): YAMLMap {
  if (!document.has('route')) document.set('route', document.createNode({}));
  const route: unknown = document.get('route');
  if (!isMap(route)) throw new Error('route: is no mapping');
  return route;
}

function first(document: Document, map: YAMLMap, key: string, entry: string): void {
  if (!map.has(key)) map.set(key, document.createNode([]));
  const list: unknown = map.get(key);
  if (!isSeq(list)) throw new Error(`${key}: is no list`);
  list.items.unshift(document.createNode(parse(entry)));
}

function lineOf(rule: string): number {
  return Number(/:(\d+)$/.exec(rule)?.[1] ?? 0);
}

/** The outermost mapping that begins in the line. */
function entryAt(document: Document, yaml: string, rule: string): YAMLMap {
  const found = search(document.contents, (offset) => {
    return yaml.slice(0, offset).split('\n').length === lineOf(rule);
  });
  if (found === undefined) throw new Error(`no entry at ${rule}`);
  return found;
}

function search(
  node: Node | null | undefined,
  isThere: (offset: number) => boolean,
): YAMLMap | undefined {
  if (isMap(node)) {
    if (node.range && isThere(node.range[0]) && node.range[0] > 0) return node;
    for (const { value } of node.items) {
      // A document's own nodes.
      const found = search(value as Node | null, isThere);
      if (found !== undefined) return found;
    }
  }
  if (isSeq(node)) {
    for (const item of node.items) {
      // As above.
      const found = search(item as Node, isThere);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
