/** Where a command finds what it decides again. */
import { expect, test } from 'vitest';
import { historyPlace } from '../../src/commands/history-place.ts';
import { serviceAddress } from '../../src/commands/service-address.ts';

const DAY = 86_400_000;

function place(url: string, env: Readonly<Record<string, string>> = {}) {
  return historyPlace([], { since: '1d', url }, 2 * DAY, env);
}

test('a service elsewhere is shown the first token that is there in clear, whatever its name', () => {
  expect(place('https://quell.example.com/')).toEqual({
    kind: 'service',
    base: 'https://quell.example.com',
    token: undefined,
    span: { from: DAY, to: 2 * DAY },
    since: '1d',
  });
  const QUELL_API_TOKEN = `ann=sha256:${'0'.repeat(64)},ben=a-token-of-ben`;
  expect(place('https://quell.example.com', { QUELL_API_TOKEN })).toMatchObject({
    token: 'a-token-of-ben',
  });
});

test('an address that cannot be asked is refused, and its password is not repeated', () => {
  expect(() => place('https://ann:hush@quell.example.com')).toThrow(
    /^--url must have no user and password in it: set QUELL_API_TOKEN$/,
  );
  for (const url of ['quell.example.com', 'ftp://quell.example.com', 'localhost:8080', ''])
    expect(() => serviceAddress(url, {}), url).toThrow(/^--url is an address like https:/);
  expect(serviceAddress(undefined, { QUELL_PORT: '9000' }).base).toBe('http://localhost:9000');
});
