/**
 * The rules that come with Quell are well, as a whole and each file by itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { test as testRules } from '../../src/commands/test.ts';
import { compileRules } from '../../src/rules/compile.ts';
import { isRulesFile, isTestFile } from '../../src/rules/files/load.ts';

const FILES = readdirSync('rules')
  .filter(isRulesFile)
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

test('the tests that come with the rules pass', async () => {
  const { output, exitCode } = await testRules('rules', { format: 'text' });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
  expect(readdirSync('rules').filter(isTestFile).length).toBeGreaterThan(2);
});

/** `# key: value` and `# - key: value`, as somebody would take the # away. */
function uncommented(text: string): string {
  return text.replace(/^( *)# (?!yaml-language-server)( *(?:- )?[\w-]+:(?: .*)?)$/gm, '$1$2');
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
