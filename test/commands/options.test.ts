import { expect, test } from 'vitest';
import { rulesDirOf } from '../../src/commands/options.ts';

test.each([
  ['what is given comes first', 'given', { QUELL_RULES_DIR: 'env' }, 'given'],
  ['then the environment', undefined, { QUELL_RULES_DIR: 'env' }, 'env'],
  ['an empty value is no value', undefined, { QUELL_RULES_DIR: '' }, './rules'],
  ['nothing at all', undefined, {}, './rules'],
])('the rules folder of a command: %s', (_case, given, env, dir) => {
  expect(rulesDirOf(given, env)).toBe(dir);
});
