/**
 * Small recordings for rehearsals, in minutes: what fires, what resolves, who reacts to what.
 */
import { expect } from 'vitest';
import { type Recorded, readLine } from '../../src/ingest/recording.ts';
import { createRehearsal, type Rehearsal, type Rehearsed } from '../../src/rehearse/rehearsal.ts';
import type { Comparison } from '../../src/rehearse/compare.ts';
import { compileRules } from '../../src/rules/compile.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { RulesFile } from '../../src/rules/files/source-file.ts';

const BEGIN = Date.parse('2026-03-02T10:00:00Z');
const MINUTE_MS = 60_000;

export interface Said {
  readonly at: number;
  readonly json: object;
}

interface About {
  readonly name: string;
  readonly service: string;
  readonly severity?: string;
}

function labelsOf({ name, service, severity = 'warning' }: About) {
  return { alertname: name, environment: 'production', service, severity };
}

function delivery(minute: number, alert: object): Said {
  const body = { version: '4', status: 'firing', alerts: [alert] };
  return { at: minute, json: { source: 'alertmanager', body } };
}

/** It fires from one minute to another. */
export function fires(from: number, to: number, about: About): readonly Said[] {
  const startsAt = timeOf(from);
  const labels = labelsOf(about);
  return [
    delivery(from, { status: 'firing', labels, annotations: {}, startsAt }),
    delivery(to, { status: 'resolved', labels, annotations: {}, startsAt, endsAt: timeOf(to) }),
  ];
}

/** Somebody reacts to the message that stands for this alert. */
export function reacts(minute: number, reaction: string, about: About, removed = false): Said {
  const alerts = [{ source: 'alertmanager', labels: labelsOf(about) }];
  const incident = `of ${about.name} ${about.service}`;
  const taken = removed ? { removed } : {};
  return { at: minute, json: { reaction, incident, user: 'U1', alerts, ...taken } };
}

export function timeOf(minute: number): string {
  return new Date(BEGIN + minute * MINUTE_MS).toISOString();
}

export function recordingOf(...parts: readonly (Said | readonly Said[])[]): readonly string[] {
  return parts
    .flat()
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, json }) => JSON.stringify({ at: timeOf(at), ...json }));
}

export function linesOf(texts: readonly string[]): readonly Exclude<Recorded, { kind: 'bad' }>[] {
  return texts.map((text, index) => {
    const line = readLine(text, index + 1);
    if (line === undefined || line.kind === 'bad') throw new Error(line?.error ?? 'no line');
    return line;
  });
}

export function rulesFile(yaml: string, name = 'rules.yaml'): RulesFile {
  return { name, text: yaml };
}

export function rulesOf(...files: readonly RulesFile[]): Rules {
  const result = compileRules(files);
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
  return result.rules;
}

/** Decided side by side, and once more with what the rules in force made of it before: it is the same. */
export function rehearsed(texts: readonly string[], now: string, after: string): Comparison {
  const [before, tried] = [rulesOf(rulesFile(now)), rulesOf(rulesFile(after))];
  const decided = played(createRehearsal(before, [tried]), texts);
  const again = played(createRehearsal(before, [tried], decided), texts);
  expect(again.comparisons).toEqual(decided.comparisons);
  const [comparison] = decided.comparisons;
  if (comparison === undefined) throw new Error('nothing was tried');
  return comparison;
}

function played(rehearsal: Rehearsal, texts: readonly string[]): Rehearsed {
  for (const line of linesOf(texts)) {
    const wrong = rehearsal.play(line, String(line.line));
    if (wrong !== undefined) throw new Error(wrong);
  }
  return rehearsal.finish();
}
