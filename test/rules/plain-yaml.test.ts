/**
 * The short cut for plain YAML against the library: where it gives a document, the library gives the same,
 * values and places. What it leaves to the library needs no test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Document, isMap, isNode, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { plainDocument } from '../../src/rules/files/plain-yaml.ts';
import { plainData } from '../../src/rules/files/yaml-data.ts';

const FOLDERS = ['rules', 'test/golden/rules', 'test/golden/rule-tests', 'test/golden/importing'];

function textsIn(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.map((name) => readFileSync(join(folder, name), 'utf8'));
}

const PLAIN = `# A comment.
services:
  - name: payments   # Its own.
    aliases: [payments-api, 'it''s', "two words", 3, a:b, c#d ]
    tier: 1
    runbook: https://wiki.example.com/a#b?c=d:e
    dependsOn:
    - a
    - 'b'

  -
    name: b
    off: true
route: { channel: '#a', routes: [ { match: ['x=~"a|b"'], urgency: drop }, [] ] }
hold: # Below.
- for: 10m
  why: It needs 8 minutes; see (12).

  match: ['severity="critical"']
`;

/** What the library makes of it: data, and where each node stands. Undefined when it complains. */
function byLibrary(text: string): unknown {
  const options = { stringKeys: true, uniqueKeys: false, version: '1.2' } as const;
  const documents = parseAllDocuments(text, options);
  // An empty stream is a list of no documents with more on it.
  const [document, more] = Array.isArray(documents) ? documents : [];
  if (document === undefined || more !== undefined) return undefined;
  return document.errors.length + document.warnings.length > 0 ? undefined : readingOf(document);
}

function readingOf(document: Document): unknown {
  return { data: plainData(document), nodes: nodesOf(document.contents) };
}

function nodesOf(node: unknown): unknown {
  if (!isNode(node)) return node;
  const [start, end] = node.range ?? [];
  if (isScalar(node)) return [start, end, node.value];
  if (!isSeq(node) && !isMap(node)) return 'something else';
  // For the library a block ends after the comments that follow it, or before: as the next entry stands.
  const place = node.flow === true ? [start, end] : [start];
  if (isSeq(node)) return [place, node.items.map(nodesOf)];
  return [place, node.items.map(({ key, value }) => [nodesOf(key), nodesOf(value)])];
}

function expectTheSame(text: string): boolean {
  const document = plainDocument(text);
  if (document !== undefined) expect(readingOf(document)).toEqual(byLibrary(text));
  return document !== undefined;
}

test('the rules that ship, and a text with everything that is plain, need no library', () => {
  for (const text of [PLAIN, ...textsIn('rules')].flatMap(withCrLf))
    expect(expectTheSame(text)).toBe(true);
});

test.each([
  'a: 1\n b: 2',
  'a: text\n  goes on',
  'a:\n  text below',
  'a: *b',
  'a: !!str 1',
  'a: |\n  b',
  'a: "\\n"',
  'a: 1.5',
  'a: 0x1F',
  'a: ~',
  'a:',
  'a: b: c',
  'a: [b: c]',
  'a: [b\n]',
  "a: 'b' c",
  "a: 'b'#c",
  'a:\tb',
  'a: b\rc: d',
  'a: b\u2028c: d',
  '---\na: b',
  '- - a',
  '? a\n: b',
  '{"a":1}',
  '[a, , b]',
  'text',
  '',
  '# only a comment',
])('%j is left to the library', (text) => {
  expect(plainDocument(text)).toBeUndefined();
});

test('a line or a nesting without end is left to the library', () => {
  expect(plainDocument(`a: ${'x'.repeat(1_000_000)}`)).toBeUndefined();
  expect(plainDocument(`a: ${'['.repeat(5_000)}`)).toBeUndefined();
  expect(plainDocument(`a: ${'[a,'.repeat(1_000)}`)).toBeUndefined();
  const steps = Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:`);
  expect(plainDocument(`${steps.join('\n')} b`)).toBeUndefined();
});

const SPECIAL = [
  ...Array.from('-?:,[]{}#&*!|>\'"%@`~ \n\ta0.\\=<'),
  ': ',
  ' #',
  '- ',
  '\n  ',
  "''",
  'null',
  '\r\n',
  '\u00a0',
  '\u2028',
  '\u0085',
  '\uFEFF',
  '\u{1F534}',
];
const change = fc.record({
  at: fc.nat({ max: 10_000 }),
  drop: fc.nat({ max: 3 }),
  put: fc.constantFrom('', ...SPECIAL),
});

test('after any slips of the keyboard, what is taken for plain is what the library reads', () => {
  const texts = [PLAIN, ...FOLDERS.flatMap(textsIn)].flatMap((text) =>
    [text, ...partsOf(text)].flatMap(withCrLf),
  );
  let plain = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (text, changes) => {
        if (expectTheSame(changes.reduce(changed, text))) plain += 1;
      },
    ),
    { numRuns: RUNS },
  );
  // Of so many some must be left, or nothing was compared.
  expect(plain).toBeGreaterThan(RUNS / 20);
});

const RUNS = 3_000;

function withCrLf(text: string): readonly string[] {
  return [text, text.replaceAll('\n', '\r\n')];
}

/** Short ones, in which a slip hits more often what matters. */
function partsOf(text: string): readonly string[] {
  return text.split(/\n(?=\S)/).map((part) => part.slice(0, 400));
}

function changed(text: string, { at, drop, put }: { at: number; drop: number; put: string }) {
  const place = at % (text.length + 1);
  return text.slice(0, place) + put + text.slice(place + drop);
}
