/** What a newcomer does first: start it as it is built, with the shipped rules and no Slack, and play the demonstration. */
import { expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { startQuell } from '../support/quell-process.ts';
import { within } from '../support/within.ts';

test('npm run demo: the cascade becomes one message, and what was not told has its reason', {
  timeout: 120_000,
}, async () => {
  const quell = await startQuell();
  const demo = startChild({
    name: 'npm run demo',
    command: process.execPath,
    args: ['--import', 'tsx', 'scripts/demo/demo.ts', '--fast', `--url=${quell.url}`],
  });
  const { code } = await within(90, 'it ends', demo.exited, demo.tail);
  const text = demo.lines.join('\n');
  expect(code, text).toBe(0);
  expect(text).toMatch(/^Sent +44 firings of 40 alerts of 9 services/m);
  expect(text).toMatch(/^Told +1 message for 37 of the 40 alerts; likely cause: payments-db/m);
  expect(text).toMatch(/^ {4}🔴 .*payments-db refuses connections/m);
  expect(text).toMatch(/^ {4}🟢 Resolved after/m);
  expect(text).toMatch(/^Not told +3 alerts:/m);
  expect(text).toMatch(/comments-db ReplicationLag: .*fired 5 times.*It flaps/);
  const page = await fetch(quell.url);
  expect(await page.text()).toContain('payments-db refuses connections');
});

test('npm run demo without a service says how to start one', { timeout: 60_000 }, async () => {
  const demo = startChild({
    name: 'npm run demo',
    command: process.execPath,
    args: ['--import', 'tsx', 'scripts/demo/demo.ts', '--url=http://127.0.0.1:1'],
  });
  const { code } = await within(50, 'it ends', demo.exited, demo.tail);
  expect(code).toBe(2);
  expect(demo.lines).toEqual([
    'No Quell at http://127.0.0.1:1: start it with "npm start" in another terminal',
  ]);
});
