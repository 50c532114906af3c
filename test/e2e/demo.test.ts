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

test('npm run demo: a second run counts its own, and one that is stopped leaves nothing firing', {
  timeout: 180_000,
}, async () => {
  const quell = await startQuell();
  const play = (...args: readonly string[]) =>
    startChild({
      name: 'npm run demo',
      command: process.execPath,
      args: ['--import', 'tsx', 'scripts/demo/demo.ts', ...args],
      env: { QUELL_PORT: String(quell.port) },
    });
  const first = play();
  await within(60, 'the database fails', first.line(/PostgresDown/), first.tail);
  expect(await within(30, 'it stops', first.kill('SIGINT'), first.tail)).toMatchObject({
    code: 130,
  });
  expect(first.lines).toContain('Stopped: what fired was resolved.');
  expect(await quell.get('/v1/alerts?state=firing')).toMatchObject({ items: [] });

  const second = play('--fast');
  const { code } = await within(90, 'it ends', second.exited, second.tail);
  expect(code, second.tail()).toBe(0);
  expect(second.lines.join('\n')).toMatch(/^Told +1 message for 37 of the 40 alerts/m);
});

test('npm run demo says which token is missing before it sends anything', {
  timeout: 90_000,
}, async () => {
  const quell = await startQuell({
    env: { QUELL_INGEST_TOKENS: 'token-of-this-test', QUELL_HOST: '127.0.0.1' },
  });
  const demo = startChild({
    name: 'npm run demo',
    command: process.execPath,
    args: ['--import', 'tsx', 'scripts/demo/demo.ts', `--url=${quell.url}`],
  });
  const { code } = await within(50, 'it ends', demo.exited, demo.tail);
  expect({ code, lines: demo.lines }).toEqual({
    code: 2,
    lines: ['Alerts want a token here: pass --token'],
  });
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
