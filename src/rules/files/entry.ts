/**
 * The entry of a rules file that a RuleRef names, on one line: `hold { match: ['alertname="X"'], for: 10m }`.
 */
import { isMap, isPair, isScalar, isSeq, type Node, Document } from 'yaml';
import { readSource } from './read-source.ts';
import { lineAt, type RulesFile } from './source-file.ts';

const TEXT_MAX = 120;

/** Undefined when no file has an entry there. */
export function entryText(files: readonly RulesFile[], ref: string): string | undefined {
  const [, name, line] = /^(.+):(\d+)$/.exec(ref) ?? [];
  const file = files.find((one) => one.name === name);
  const read = file === undefined ? undefined : readSource(file);
  if (read?.kind !== 'data') return undefined;
  const { contents } = read.source.document ?? {};
  if (!isMap(contents)) return undefined;
  for (const pair of contents.items) {
    const found = entryAt(pair.value, (offset) => lineAt(read.source, offset) === Number(line));
    if (found !== undefined) return `${String(pair.key)} ${inOneLine(found)}`.slice(0, TEXT_MAX);
  }
  return undefined;
}

/** The outermost mapping that begins in the line. */
function entryAt(node: unknown, isThere: (offset: number) => boolean): Node | undefined {
  if (isMap(node) && node.range && isThere(node.range[0])) return node;
  if (!isMap(node) && !isSeq(node)) return undefined;
  for (const item of node.items) {
    const found = entryAt(isPair(item) ? item.value : item, isThere);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Without what stands below it, and without the reason, which says less than the entry. */
function inOneLine(node: Node): string {
  if (!isMap(node)) return '';
  const items = node.items.filter(
    ({ key }) => !(isScalar(key) && ['why', 'routes'].includes(String(key.value))),
  );
  const plain = Object.fromEntries(items.map(({ key, value }) => [String(key), toPlain(value)]));
  const document = new Document(plain);
  if (isMap(document.contents)) document.contents.flow = true;
  return document
    .toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false })
    .trim();
}

function toPlain(value: unknown): unknown {
  if (isScalar(value)) return value.value;
  if (isSeq(value)) return value.items.map(toPlain);
  if (isMap(value)) {
    return Object.fromEntries(value.items.map((pair) => [String(pair.key), toPlain(pair.value)]));
  }
  return undefined;
}
