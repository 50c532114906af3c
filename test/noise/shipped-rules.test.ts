/**
 * The rules that come with Quell are well, as a whole and each file by itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compileRules } from '../../src/rules/compile.ts';

const FILES = readdirSync('rules')
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => ({ name, text: readFileSync(`rules/${name}`, 'utf8') }));

test('the shipped rules have no errors and no warnings', () => {
  const compiled = compileRules(FILES);
  expect(compiled.kind).toBe('loaded');
  expect(compiled.warnings.map(({ file, message }) => `${file}: ${message}`)).toEqual([]);
});

test('the example catalog has 45 services', () => {
  const compiled = compileRules(FILES);
  expect(compiled.kind === 'loaded' && compiled.rules.catalog.services.size).toBe(45);
});

for (const file of FILES) {
  test(`${file.name} can stand alone`, () => {
    expect(compileRules([file]).kind).toBe('loaded');
  });
}

/** `# key: value` and `# - key: value`, as somebody would take the # away. */
function uncommented(text: string): string {
  return text.replace(/^( *)# ( *(?:- )?[\w-]+:(?: .*)?)$/gm, '$1$2');
}

test('settings that comments show can be taken into use as they stand', () => {
  const offered = FILES.map(({ name, text }) => ({ name, text: uncommented(text) }));
  const changed = offered.filter(({ text }, i) => text !== FILES[i]?.text);
  expect(changed.map(({ name }) => name)).toEqual([
    'correlate.yaml',
    'normalise.yaml',
    'quiet.yaml',
    'slack.yaml',
  ]);
  expect(compileRules(offered)).toMatchObject({ kind: 'loaded' });
});
