/** Redis by TLS: with the authority's certificate everything works, without it nothing is said to anybody. */
import { expect, test } from 'vitest';
import { startQuell } from '../support/quell-process.ts';
import { startTlsRedis } from '../support/redis-tls.ts';
import { within } from '../support/within.ts';

test('a Redis whose authority is named is used', async () => {
  const { url, ca } = await startTlsRedis();
  const quell = await startQuell({ env: { QUELL_REDIS_URL: url, NODE_EXTRA_CA_CERTS: ca } });
  const labels = { alertname: 'Broken', service: 'checkout', severity: 'critical' };
  expect((await quell.post('/v1/ingest/generic', { labels })).status).toBe(200);
  await within(20, 'it is decided', quell.settled(), quell.tail);
  expect(await quell.get('/v1/alerts')).toMatchObject({ items: [{ labels }] });
});

test('a Redis whose certificate nobody vouches for is refused at once, with what helps', async () => {
  const { url } = await startTlsRedis();
  const refused = startQuell({ env: { QUELL_REDIS_URL: url } });
  await expect(refused).rejects.toThrow(
    /Redis at rediss:[^ ]+ cannot be reached \(.*certificate.*\): .*NODE_EXTRA_CA_CERTS/,
  );
});
