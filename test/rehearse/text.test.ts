/** What a rehearsal looks like in the terminal and as a page. */
import { expect, test } from 'vitest';
import { renderPage } from '../../src/rehearse/page.ts';
import { renderText } from '../../src/rehearse/text.ts';
import { losesAcknowledged } from '../../src/rehearse/words.ts';
import { entryText } from '../../src/rules/files/entry.ts';
import { fires, reacts, recordingOf, rehearsed, rulesFile } from './support.ts';

const GOLDEN = new URL('../golden/rehearse/', import.meta.url);

const NOW = `hold:
  - match: ['alertname="DiskFull"']
    for: 5m
  - for: 0s
route:
  channel: '#alerts'
`;
const NEW = `hold:
  - match: ['alertname=~"HighCpu|HighLoad"']
    for: 10m
    why: The autoscaler needs 8 minutes.
  - for: 0s
route:
  channel: '#alerts'
  routes:
    - match: ['service="store"']
      channel: '#store'
`;
const cpu = { name: 'HighCpu', service: 'web' };
const load = { name: 'HighLoad', service: 'api', severity: 'high' };
const disk = { name: 'DiskFull', service: 'store' };
const odd = { name: '<img src=x onerror=alert(1)>', service: 'store' };
const odder = { name: 'Down', service: '</style><script>' };

const RECORDING = recordingOf(
  fires(0, 4, cpu),
  reacts(3, 'wastebasket', cpu),
  fires(100, 106, cpu),
  fires(200, 240, load),
  reacts(215, 'eyes', load),
  fires(300, 307, load),
  fires(400, 403, disk),
  fires(500, 530, disk),
  fires(600, 605, odd),
  fires(700, 705, odder),
);

function describe({ rule, in: where }: { readonly rule: string; readonly in: 'now' | 'tried' }) {
  return entryText([rulesFile(where === 'now' ? NOW : NEW)], rule);
}

test('a rehearsal in the terminal', async () => {
  const text = renderText(rehearsed(RECORDING, NOW, NEW), describe);
  await expect(text).toMatchFileSnapshot(new URL('rehearsal.txt', GOLDEN).pathname);
});

test('a rehearsal in which something acknowledged is lost', async () => {
  const hidden = NEW.replace('10m', '1h');
  const comparison = rehearsed(RECORDING, NOW, hidden);
  expect(losesAcknowledged(comparison)).toBe(true);
  const text = renderText(comparison, describe);
  await expect(text).toMatchFileSnapshot(new URL('loss.txt', GOLDEN).pathname);
});

test('a rehearsal that changes nothing', async () => {
  const text = renderText(rehearsed(RECORDING, NOW, NOW), describe);
  await expect(text).toMatchFileSnapshot(new URL('nothing.txt', GOLDEN).pathname);
});

test('the page escapes what alerts say, runs no script and loads nothing', () => {
  const titles = { now: 'rules', tried: 'rules.new', history: 'a.jsonl' };
  const page = renderPage(rehearsed(RECORDING, NEW, NOW), describe, titles);
  expect(page).toContain('&lt;img src=x');
  expect(page).not.toMatch(/<img|<script|onerror=alert\(1\)>|<link[^>]+href="(?!data:)/);
  expect(page.match(/https?:\/\//g)).toBe(null);
  expect(page).toMatch(
    /http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/,
  );
  expect(page).not.toMatch(/ style="/);
});
