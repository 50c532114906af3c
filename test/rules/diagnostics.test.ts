import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compileRules } from '../../src/rules/compile.ts';
import { formatDiagnostics } from '../../src/rules/files/diagnostics.ts';
import { at, problemsOf } from './support.ts';

const CASES = new URL('../golden/rules/', import.meta.url);

/** A case is one file that holds several, each after a line `# file: NAME`. */
function filesOf(text: string) {
  return text
    .split(/^# file: /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { name: part.slice(0, end), text: part.slice(end + 1) };
    });
}

const names = readdirSync(CASES).filter((name) => name.endsWith('.yaml'));

test.each(names)('%s: what is wrong is said with place, line and advice', async (name) => {
  const files = filesOf(readFileSync(new URL(name, CASES), 'utf8'));
  const result = compileRules(files, { now: at('2026-06-01T00:00:00Z') });
  const errors = result.kind === 'refused' ? result.errors : [];
  const text = `${formatDiagnostics([...errors, ...result.warnings], { prefix: 'rules/' })}\n`;
  await expect(text).toMatchFileSnapshot(new URL(name.replace('.yaml', '.txt'), CASES).pathname);
});

test.each(names)('%s: each place is within its file', (name) => {
  const files = filesOf(readFileSync(new URL(name, CASES), 'utf8'));
  const result = compileRules(files, { now: at('2026-06-01T00:00:00Z') });
  const all = [...(result.kind === 'refused' ? result.errors : []), ...result.warnings];
  expect(all.length).toBeGreaterThan(0);
  for (const one of all) {
    const line = files.find(({ name: file }) => file === one.file)?.text.split('\n')[one.line - 1];
    expect(line).toBeDefined();
    expect(one.column).toBeLessThanOrEqual((line?.length ?? 0) + 1);
  }
});

test('a long line is shown around the place', () => {
  const text = `hold: [${`{ match: ['a="b"'], for: 1m }, `.repeat(20)}{ for: 5mins }]`;
  const result = compileRules([{ name: 'q.yaml', text }]);
  expect(result.kind === 'refused' && formatDiagnostics(result.errors).split('\n')).toEqual([
    `q.yaml:1:${text.indexOf('5mins') + 1}  "5mins" is no duration: write 5m`,
    `    1 | …, { match: ['a="b"'], for: 1m }, { for: 5mins }]`,
    '                                                 ^^^^^',
  ]);
});

test('what could rearrange a terminal is not printed', () => {
  const text = 'hold: [{ for: "\u001b[31m\u202e5mins" }]';
  const result = compileRules([{ name: 'q.yaml', text }]);
  const printed = result.kind === 'refused' ? formatDiagnostics(result.errors) : '';
  expect(printed).toContain('5mins');
  for (const char of ['\u001b', '\u202e']) expect(printed).not.toContain(char);
});

test('an error in one file hides none in another, and invents none', () => {
  const result = compileRules([
    { name: 'a.yaml', text: 'services: [{ name: payments, owner: x, tier: bad }]' },
    { name: 'b.yaml', text: 'services: [{ name: web, owner: x, dependsOn: [payments, nope] }]' },
    { name: 'c.yaml', text: 'hold: [{ for: 5mins }]' },
  ]);
  expect(result.kind === 'refused' && result.errors.map(({ message }) => message)).toEqual([
    '"tier" must be a number, not "bad"',
    'unknown service "nope" in dependsOn of "web"',
    '"5mins" is no duration: write 5m',
  ]);
});

test('CRLF, a byte order mark, and a file of comments are fine', () => {
  expect(problemsOf('\uFEFFhold:\r\n  - for: 2m\r\n')).toEqual([]);
  expect(problemsOf('# nothing yet\r\n')).toEqual([]);
  expect(problemsOf('')).toEqual([]);
  expect(problemsOf('hold:\n  # later\n')).toEqual([]);
});

test('anchors work, and ones that explode are refused', () => {
  expect(
    problemsOf('hold: [{ match: &m [\'a="b"\'], for: 1m }]\nflap: [{ match: *m, off: true }]'),
  ).toEqual([]);
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i += 1) {
    const [before, next] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)];
    bomb.push(`${next}: &${next} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`);
  }
  const [message] = problemsOf(bomb.join('\n'));
  expect(message).toMatch(/aliases .* expand to too much/);
  expect(problemsOf('route: &r\n  routes: [*r]')[0]).toMatch(/stands for nothing/);
});

test.each([
  ['a NUL byte', 'hold: []\n\0'],
  ['more than 2 MB', `# ${'x'.repeat(2 * 1024 * 1024)}`],
  ['brackets without end', '['.repeat(500_000)],
  ['braces without end', '{'.repeat(500_000)],
  ['dashes without end', '- '.repeat(500_000)],
  ['question marks without end', '? '.repeat(500_000)],
  ['ever deeper blocks', Array.from({ length: 1_500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['routes within routes', `route: ${'{ routes: [ '.repeat(18)}${'] }'.repeat(18)}`.repeat(3)],
  ['ten thousand keys', Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join('\n')],
])('%s: refused, with a reason', (_case, text) => {
  const result = compileRules([{ name: 'x.yaml', text }]);
  expect(result.kind).toBe('refused');
});
