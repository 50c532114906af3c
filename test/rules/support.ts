/**
 * Builders for tests of the rules: an alert, what matchers see of it, and rules from YAML.
 */
import type { Facts, ReceivedAlert } from '../../src/model.ts';
import { type LoadResult, compileRules } from '../../src/rules/compile.ts';
import { formatDiagnostics } from '../../src/rules/files/diagnostics.ts';
import type { Rules, Subject } from '../../src/rules/rules.ts';

export function alertOf(
  labels: Record<string, string>,
  annotations: Record<string, string> = {},
): ReceivedAlert {
  return {
    source: 'alertmanager',
    status: 'firing',
    labels,
    annotations,
    startsAt: 0,
    endsAt: undefined,
    generatorURL: undefined,
  };
}

export function subjectOf(labels: Record<string, string>, facts: Partial<Facts> = {}): Subject {
  return {
    labels,
    source: 'alertmanager',
    facts: {
      name: labels['alertname'] ?? '',
      service: labels['service'] ?? '',
      known: false,
      environment: labels['environment'] ?? 'production',
      severity: 'warning',
      host: undefined,
      transactions: [],
      runbook: undefined,
      dashboard: undefined,
      ...facts,
    },
  };
}

/** What the rules see of an alert with these labels. */
export function seenBy(rules: Rules, labels: Record<string, string>): Subject {
  const alert = alertOf(labels);
  return { labels, source: alert.source, facts: rules.normalise(alert) };
}

/** Rules of one file, `rules.yaml`; fails with the diagnostics when they are refused. */
export function rulesOf(text: string): Rules {
  const result = compileRules([{ name: 'rules.yaml', text }]);
  if (result.kind === 'refused') throw new Error(formatDiagnostics(result.errors));
  return result.rules;
}

export function messagesOf(result: LoadResult): readonly string[] {
  const all = result.kind === 'refused' ? [...result.errors, ...result.warnings] : result.warnings;
  return all.map(({ severity, message }) => (severity === 'error' ? '' : 'warning: ') + message);
}

/** What is wrong with one file of this text. */
export function problemsOf(text: string): readonly string[] {
  return messagesOf(compileRules([{ name: 'rules.yaml', text }]));
}

export function at(iso: string): number {
  const instant = Date.parse(iso);
  if (Number.isNaN(instant)) throw new Error(`no instant: ${iso}`);
  return instant;
}
