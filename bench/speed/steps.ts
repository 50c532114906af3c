/** What several parts of the measurement do. */
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AlertSet, bodies } from './alerts.ts';
import { postAll } from './load.ts';
import type { Server } from './process.ts';
import type { Contender } from './servers.ts';

export async function openMany(
  contender: Contender,
  alerts: number,
  connections: number,
): Promise<Server> {
  const server = await contender.start({ fresh: true });
  const set: AlertSet = { distinct: alerts, services: 2_000, tag: 'open' };
  await postAll(server.port, bodies(set, alerts, 64), connections);
  await quiet(server);
  return server;
}

/** Until the server has done what follows from the alerts: less than 5 % of a core for a second. */
export async function quiet(server: Server): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    const before = server.cpu();
    await sleep(1_000);
    if (server.cpu() - before < 0.05) return;
  }
}

export async function listAll(server: Server, paged: boolean): Promise<number> {
  if (!paged) return (await json<readonly unknown[]>(server.port, '/api/v2/alerts')).length;
  let listed = 0;
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await json<{ readonly items: readonly unknown[]; readonly next: string | null }>(
      server.port,
      `/v1/alerts?limit=500${query}`,
    );
    listed += page.items.length;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return listed;
}

/** `T` is what the server's documentation says of its answer. */
function json<T>(port: number, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new Error(`GET ${path}: ${response.statusCode} ${text.slice(0, 200)}`));
      });
    }).on('error', reject);
  });
}

export function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return (sorted[at] ?? 0).toFixed(1);
}

export function report(row: readonly string[] | undefined): void {
  if (row !== undefined) console.log(`  ${row.join('  ')}`);
}
