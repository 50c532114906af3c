/**
 * What came of the tests: for people, for programs, and for CI servers that read JUnit's XML.
 */
import { counted } from '../rules/files/diagnostics.ts';
import { lineAt, spanOf } from '../rules/files/source-file.ts';
import type { Failure } from './compare.ts';
import type { RuleTest } from './read.ts';
import type { TestResult } from './run.ts';

export const TEST_FORMATS = ['text', 'json', 'junit'] as const;
export type TestFormat = (typeof TEST_FORMATS)[number];

/** `prefix` stands before the names of files. */
export function printResults(
  results: readonly TestResult[],
  format: TestFormat,
  prefix: string,
): string {
  switch (format) {
    case 'text':
      return toText(results, prefix);
    case 'json':
      return toJson(results, prefix);
    case 'junit':
      return toJunit(results, prefix);
  }
}

function placeOf({ place }: RuleTest | Failure): {
  readonly line: number;
  readonly column: number;
} {
  const { start } = spanOf(place.source, place.path, 'value');
  const line = lineAt(place.source, start);
  return { line, column: start - (place.source.lineStarts[line - 1] ?? 0) + 1 };
}

function toText(results: readonly TestResult[], prefix: string): string {
  const files = byFile(results).map(({ file, tests }) => {
    const failed = tests.filter(({ failures }) => failures.length > 0);
    const passed = counted(tests.length - failed.length, 'test');
    if (failed.length === 0) return `ok    ${prefix}${file}  ${passed}`;
    return failed.map((one) => failedText(one, prefix)).join('\n');
  });
  return [...files, `${summary(results)}.`].join('\n');
}

interface FileResults {
  readonly file: string;
  readonly tests: readonly TestResult[];
}

/** Results of one file stand together. */
function byFile(results: readonly TestResult[]): readonly FileResults[] {
  return [...new Set(results.map(({ file }) => file))].map((file) => ({
    file,
    tests: results.filter((one) => one.file === file),
  }));
}

function failedText({ test, file, failures, trace }: TestResult, prefix: string): string {
  const path = `${prefix}${file}`;
  return [
    `FAIL  ${path}:${placeOf(test).line}  ${test.name}`,
    ...failures.map((failure) => failureText(failure, path)),
    '    What was decided:',
    ...(trace.length === 0 ? ['nothing: no alert came in'] : trace).map(
      (line) => `        ${line}`,
    ),
  ].join('\n');
}

function failureText(failure: Failure, path: string): string {
  const { line, column } = placeOf(failure);
  const { what, expected, got, note } = failure;
  return [
    `    ${path}:${line}:${column}  ${what}`,
    `        expected  ${indented(expected)}`,
    `        got       ${indented(got)}`,
    ...(note === undefined ? [] : [`                  ${note}`]),
  ].join('\n');
}

function indented(text: string): string {
  return text.trimEnd().replaceAll('\n', `\n${' '.repeat(18)}`);
}

export function summary(results: readonly TestResult[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const files = new Set(results.map(({ file }) => file)).size;
  const passed = `${results.length - failed} of ${counted(results.length, 'test')} passed`;
  return `${passed} in ${counted(files, 'file')}`;
}

function toJson(results: readonly TestResult[], prefix: string): string {
  const tests = results.map(({ test, file, failures, trace }) => ({
    name: test.name,
    file: prefix + file,
    line: placeOf(test).line,
    ok: failures.length === 0,
    failures: failures.map((failure) => {
      const { what, expected, got, note } = failure;
      return { ...placeOf(failure), what, expected, got, note: note ?? null };
    }),
    decided: trace,
  }));
  return JSON.stringify({ ok: tests.every(({ ok }) => ok), tests }, undefined, 2);
}

function toJunit(results: readonly TestResult[], prefix: string): string {
  const suites = byFile(results).flatMap(({ file, tests }) => {
    const failed = tests.filter(({ failures }) => failures.length > 0).length;
    const cases = tests.flatMap((result) => junitCase(result, prefix));
    const head = `tests="${tests.length}" failures="${failed}"`;
    return [`  <testsuite name="${xml(prefix + file)}" ${head}>`, ...cases, '  </testsuite>'];
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="quell test">',
    ...suites,
    '</testsuites>',
  ].join('\n');
}

function junitCase(result: TestResult, prefix: string): readonly string[] {
  const { test, file, failures } = result;
  const path = xml(prefix + file);
  const head = `name="${xml(test.name)}" classname="${path}" file="${path}" line="${placeOf(test).line}"`;
  const [first] = failures;
  if (first === undefined) return [`    <testcase ${head}/>`];
  const message = `${first.what}: expected ${first.expected}, got ${first.got}`;
  return [
    `    <testcase ${head}>`,
    `      <failure message="${xml(message)}">${xml(failedText(result, prefix))}</failure>`,
    '    </testcase>',
  ];
}

/** XML 1.0 has no place for most control characters, escaped or not. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
