/** What history suggests, and what it must not: quiet where people were needed, guesses from too little. */
import { expect, test } from 'vitest';
import { createRehearsal } from '../../src/rehearse/rehearsal.ts';
import { noiseReport, renderReport } from '../../src/suggest/report.ts';
import { findSuggestions, type Suggested } from '../../src/suggest/suggest.ts';
import { renderSuggestions } from '../../src/suggest/text.ts';
import {
  fires,
  linesOf,
  reacts,
  recordingOf,
  rulesFile,
  rulesOf,
  type Said,
} from '../rehearse/support.ts';

const GOLDEN = new URL('../golden/suggest/', import.meta.url);
const HOUR = 60;
const DAY = 24 * HOUR;

const LOUD = `hold:
  - for: 0s # told at once
services:
  - name: web
    runbook: https://wiki.example.com/web
  - name: store
  - name: cache
  - name: queue
`;

async function suggested(recording: readonly string[], yaml = LOUD): Promise<Suggested> {
  const files = [rulesFile(yaml)];
  const lines = linesOf(recording);
  return findSuggestions({ rules: rulesOf(...files), files, path: 'rules' }, async (tried) => {
    const rehearsal = createRehearsal(rulesOf(...files), tried);
    for (const line of lines) rehearsal.play(line, String(line.line));
    return rehearsal.finish();
  });
}

function titles({ suggestions }: Suggested): readonly string[] {
  return suggestions.map(({ title }) => title);
}

/** The same thing again and again, some hours apart; `lasts` minutes, in turn. */
function again(
  about: { readonly name: string; readonly service: string; readonly severity?: string },
  times: number,
  lasts: readonly number[],
  from = 0,
): readonly Said[] {
  return Array.from({ length: times }, (_, index) => {
    const at = from + index * 5 * HOUR;
    return fires(at, at + (lasts[index % lasts.length] ?? 1), about);
  }).flat();
}

const cpu = { name: 'HighCpu', service: 'web' };
const backlog = { name: 'Backlog', service: 'queue' };
const disk = { name: 'DiskFull', service: 'store' };
const reactionsTo = (about: typeof cpu, emoji: string, count: number, from: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...reacts(from + index * 5 * HOUR, emoji, about),
  })).map((said, index) => ({
    ...said,
    // Each is to a message of its own.
    json: { ...said.json, incident: `${about.name} ${index}` },
  }));

test('what mostly ends by itself is to be held, for as long as most of it lasts', async () => {
  const found = await suggested(recordingOf(again(cpu, 20, [2, 2, 3, 4, 90])));
  expect(titles(found)).toEqual(['Hold HighCpu for 5 min.']);
  const [first] = found.suggestions;
  expect(first).toMatchObject({ kind: 'hold', file: 'rules.yaml', line: 2 });
  expect(first?.effect.fates.untouched).toMatchObject({ messages: 20, hidden: 16, later: 4 });
  expect(first?.patch).toBe(`--- a/rules/rules.yaml
+++ b/rules/rules.yaml
@@ -1,4 +1,7 @@
 hold:
+  - match: ['alertname="HighCpu"']
+    for: 5m
+    why: 80 % of them end by themselves within 5m (20 firings seen).
   - for: 0s # told at once
 services:
   - name: web
`);
});

test('a hold that would hide what somebody acknowledged is left out, and said', async () => {
  const found = await suggested(
    recordingOf(again(cpu, 20, [2, 2, 3, 4, 90]), reactionsTo(cpu, 'eyes', 1, 1)),
  );
  expect(titles(found)).toEqual([]);
  expect(found.losing).toEqual([{ title: 'Hold HighCpu for 5 min.', lost: 1 }]);
});

test('what people ended early does not count as short', async () => {
  // Half of them seem over after 2 min, because somebody came after 1.
  const recording = recordingOf(
    again(cpu, 12, [2]),
    reactionsTo(cpu, 'eyes', 12, 1),
    again({ ...cpu, service: 'store' }, 12, [90], HOUR),
  );
  const found = titles(await suggested(recording));
  expect(found.filter((title) => title.startsWith('Hold'))).toEqual([]);
});

test('critical alerts are never made quieter', async () => {
  const critical = { ...cpu, severity: 'critical' };
  expect(titles(await suggested(recordingOf(again(critical, 20, [2]))))).toEqual([]);
  const mixed = recordingOf(again(critical, 5, [2]), again(cpu, 20, [2], 7 * DAY));
  const found = await suggested(mixed);
  expect(titles(found)).toEqual(['Hold HighCpu for 3 min unless it is critical.']);
  expect(found.patch).toContain(`'severity!="critical"'`);
});

test('what nobody ever acknowledges is for the digest, where people do acknowledge others', async () => {
  const recording = recordingOf(
    again(backlog, 12, [80]),
    again(disk, 12, [70], HOUR),
    reactionsTo(disk, 'eyes', 12, HOUR + 5),
  );
  const found = await suggested(recording);
  expect(titles(found)).toEqual(['Tell Backlog in the digest only.']);
  expect(found.suggestions[0]?.effect.fates).toMatchObject({
    acknowledged: { messages: 12, hidden: 0, digest: 0 },
    untouched: { messages: 12, digest: 12 },
  });
  expect(found.patch).toContain('urgency: digest');
});

test('where nobody reacts to anything, nothing is concluded from it; 🗑️ is enough', async () => {
  const recording = again(backlog, 12, [80]);
  expect(titles(await suggested(recordingOf(recording)))).toEqual([]);
  const marked = recordingOf(recording, reactionsTo(backlog, 'wastebasket', 8, 5));
  expect(titles(await suggested(marked))).toEqual(['Tell Backlog in the digest only.']);
});

test('what lasts for hours and nobody minds is chronic: what is high is left to people', async () => {
  const high = { ...backlog, severity: 'high' };
  const long = Array.from({ length: 6 }, (_, index) =>
    fires(index * 2 * DAY, index * 2 * DAY + 20 * HOUR, high),
  );
  const found = await suggested(recordingOf(...long, reactionsTo(high, 'wastebasket', 1, 5)));
  expect(found.suggestions).toEqual([]);
  const marks = long.map((_, index) => ({
    ...reacts(index * 2 * DAY + 5, 'wastebasket', high),
  }));
  const all = marks.map((said, index) => ({
    ...said,
    json: { ...said.json, incident: `m${index}` },
  }));
  const judged = await suggested(recordingOf(...long, all));
  expect(judged.suggestions).toMatchObject([{ kind: 'chronic' }]);
});

test('services that alert together without an edge are asked about, the rarer one as the cause', async () => {
  const store = { name: 'Down', service: 'store', severity: 'high' };
  const web = { name: 'Errors', service: 'web', severity: 'high' };
  const both = Array.from({ length: 6 }, (_, index) => [
    ...fires(index * DAY, index * DAY + 40, store),
    ...fires(index * DAY + 4, index * DAY + 43, web),
  ]).flat();
  const alone = again(web, 6, [40], 10 * DAY);
  const found = await suggested(recordingOf(both, alone));
  expect(titles(found)).toEqual(['Does web depend on store? Say so if it does.']);
  expect(found.suggestions[0]?.effect).toMatchObject({ merged: 6 });
  expect(found.patch).toContain('+    dependsOn: [store]\n');
  const linked = LOUD.replace('/web\n', '/web\n    dependsOn: [store]\n');
  expect(titles(await suggested(recordingOf(both, alone), linked))).toEqual([]);
});

test('blips of both, and failures of their own, do not hide what fails together', async () => {
  const store = { name: 'Down', service: 'store', severity: 'high' };
  const web = { name: 'Errors', service: 'web', severity: 'high' };
  const both = Array.from({ length: 4 }, (_, index) => [
    ...fires(index * DAY, index * DAY + 40, store),
    ...fires(index * DAY + 4, index * DAY + 43, web),
  ]).flat();
  const blips = [
    ...again({ ...store, name: 'Slow' }, 40, [2], 5 * DAY),
    ...again({ ...web, name: 'Slow' }, 40, [3], 5 * DAY + 150),
  ];
  const alone = [...again(store, 6, [40], 15 * DAY), ...again(web, 8, [40], 15 * DAY + 150)];
  const found = titles(await suggested(recordingOf(both, blips, alone)));
  expect(found).toContain('Does web depend on store? Say so if it does.');
});

test('names that the catalog lacks are other spellings, or services to list', async () => {
  const recording = recordingOf(
    again({ ...cpu, service: 'svc-Web' }, 4, [3]),
    again({ ...cpu, service: 'cachee' }, 4, [3], HOUR),
    again({ ...cpu, service: 'billing' }, 4, [3], 2 * HOUR),
    again({ ...cpu, service: 'rare' }, 1, [3], 3 * HOUR),
  );
  const found = await suggested(recording);
  expect(titles(found).filter((title) => !title.startsWith('Hold'))).toEqual([
    'Is svc-Web another name of web? Say so if it is.',
    'Is cachee another name of cache? Say so if it is.',
    'List 1 service that alerts name and the catalog lacks, and add owner, tier and dependsOn: billing.',
  ]);
});

test('a few firings suggest nothing', async () => {
  const found = await suggested(recordingOf(again(cpu, 4, [2])));
  expect(renderSuggestions(found, 'a recording')).toContain('Nothing to suggest.');
});

const MONTH = recordingOf(
  again(cpu, 20, [2, 2, 3, 4, 90]),
  reactionsTo(cpu, 'wastebasket', 6, 1),
  again(backlog, 12, [80], HOUR),
  again(disk, 12, [70], 2 * HOUR),
  reactionsTo(disk, 'eyes', 12, 2 * HOUR + 5),
  again({ name: 'Errors', service: 'billing', severity: 'high' }, 4, [50], 3 * HOUR),
);

test('suggestions in the terminal', async () => {
  const text = renderSuggestions(await suggested(MONTH), 'a.jsonl');
  await expect(text).toMatchFileSnapshot(new URL('suggestions.txt', GOLDEN).pathname);
});

test('the noise report in the terminal', async () => {
  const { survey } = await suggested(MONTH);
  const text = renderReport(noiseReport(survey), 'a.jsonl');
  await expect(text).toMatchFileSnapshot(new URL('report.txt', GOLDEN).pathname);
});

test('what fires most of the time is known after a day', async () => {
  const chronicAfter = async (minutes: number) => {
    const { survey } = await suggested(recordingOf(fires(0, minutes, disk)));
    return noiseReport(survey).chronic.map(({ alert }) => alert);
  };
  expect(await chronicAfter(DAY - HOUR)).toEqual([]);
  expect(await chronicAfter(DAY + HOUR)).toEqual(['DiskFull']);
});

test('what begins anew before its end was heard did not fire from then on', async () => {
  const [begins] = fires(0, 20, disk);
  const { survey } = await suggested(
    recordingOf(begins ?? [], fires(60, 80, disk), fires(3 * DAY, 3 * DAY + 10, disk)),
  );
  expect(noiseReport(survey).chronic).toEqual([]);
  const [kind] = survey.kinds;
  // An hour, as far as anybody knows, and two that were heard of from begin to end.
  expect(kind?.firingShare).toBeCloseTo((60 + 20 + 10) / (3 * DAY + 10), 2);
});

test('told without a runbook: only the services that have none are named', async () => {
  const down = (service: string) => again({ name: 'Down', service, severity: 'critical' }, 3, [20]);
  const { survey } = await suggested(recordingOf(...down('web'), ...down('store')));
  const { withoutRunbook, topTalkers } = noiseReport(survey);
  expect(withoutRunbook.map(({ services }) => services)).toEqual([['store']]);
  expect(topTalkers.map(({ services }) => services)).toEqual([['web', 'store']]);
});
