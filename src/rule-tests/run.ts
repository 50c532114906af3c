/**
 * Runs the tests of rules: all files are read first, and with a mistake in any of them nothing runs.
 */
import { type Diagnostic, inOrder } from '../rules/files/diagnostics.ts';
import { createReport } from '../rules/files/report.ts';
import type { Rules } from '../rules/rules.ts';
import type { RulesFile } from '../rules/files/source-file.ts';
import { type Failure, failuresOf } from './compare.ts';
import { playTest } from './play.ts';
import { type RuleTest, readTests } from './read.ts';
import { traceOf } from './trace.ts';

export interface TestResult {
  readonly test: RuleTest;
  readonly file: string;
  readonly failures: readonly Failure[];
  /** What was decided, in lines; empty when the test passed. */
  readonly trace: readonly string[];
}

type TestRun =
  | { readonly kind: 'ran'; readonly results: readonly TestResult[] }
  | { readonly kind: 'refused'; readonly errors: readonly Diagnostic[] };

export function runTests(
  files: readonly RulesFile[],
  rules: Rules,
  isWanted: (test: RuleTest) => boolean,
): TestRun {
  const report = createReport();
  const tests = files.flatMap((file) => readTests(file, rules, report));
  const errors = report.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { kind: 'refused', errors: inOrder(errors) };
  return { kind: 'ran', results: tests.filter(isWanted).map((test) => runTest(test, rules)) };
}

function runTest(test: RuleTest, rules: Rules): TestResult {
  const played = playTest(test, rules);
  const failures = failuresOf(test, played, rules);
  const trace = failures.length === 0 ? [] : traceOf(played, test.startsAt);
  return { test, file: test.place.source.name, failures, trace };
}
