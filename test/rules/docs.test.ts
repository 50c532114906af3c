import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compileRules } from '../../src/rules/compile.ts';
import { formatDiagnostics } from '../../src/rules/files/diagnostics.ts';
import { isRulesFile } from '../../src/rules/files/load.ts';
import { ENVIRONMENT_WORDS } from '../../src/rules/environment.ts';
import { SEVERITY_WORDS } from '../../src/rules/normalise.ts';
import { formatDuration } from '../../src/rules/duration.ts';
import { LISTS, NAMED, SINGLES } from '../../src/rules/compile/schema.ts';
import { DEFAULT_HOLD_MS } from '../../src/rules/defaults.ts';

const ROOT = new URL('../../', import.meta.url);
const REFERENCE = readFileSync(new URL('docs/rules.md', ROOT), 'utf8');

const examples = [...REFERENCE.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);

test.each(examples)('example %# of the reference is well', (text) => {
  const result = compileRules([{ name: 'example.yaml', text }]);
  expect(result.kind === 'refused' ? formatDiagnostics(result.errors) : '').toBe('');
});

test('the reference names every key', () => {
  const keys = [...Object.keys(LISTS), ...Object.keys(SINGLES), ...Object.keys(NAMED)];
  for (const key of keys) expect(REFERENCE).toMatch(new RegExp(`\\b${key}\\b`));
  const inner = Object.values({ ...LISTS, ...SINGLES, ...NAMED }).flatMap((schema) =>
    'shape' in schema ? Object.keys(schema.shape) : [],
  );
  expect(inner.length).toBeGreaterThan(60);
  // The other spellings of parts that are Alertmanager's.
  const spellings = new Set(['daysOfMonth', 'intervals', 'time_intervals']);
  for (const key of inner) {
    if (!spellings.has(key)) expect(REFERENCE).toMatch(new RegExp(`\\b${key}\\b`));
  }
});

test('the reference names every word for a severity or an environment', () => {
  const listed = REFERENCE.toLowerCase();
  const words = Object.values({ ...SEVERITY_WORDS, ...ENVIRONMENT_WORDS }).flat();
  for (const word of words) expect(listed).toMatch(new RegExp(`\\b${word}\\b`));
});

test('the example rules that come with Quell are well', () => {
  const names = readdirSync(new URL('rules/', ROOT)).filter(isRulesFile);
  const files = names.map((name) => ({
    name,
    text: readFileSync(new URL(`rules/${name}`, ROOT), 'utf8'),
  }));
  const result = compileRules(files);
  expect(result.kind === 'refused' ? formatDiagnostics(result.errors) : '').toBe('');
});

test('the reference states the built-in holds as they are', () => {
  for (const [severity, ms] of Object.entries(DEFAULT_HOLD_MS)) {
    expect(REFERENCE).toContain(`${severity} ${formatDuration(ms)}`);
  }
});
