/**
 * The two servers, each with a receiver that only notes when something came.
 *
 * Alertmanager sends a webhook for each new group at once, unless told to wait; Quell posts to a stand-in for Slack. Both take
 * alerts at /api/v2/alerts. Alertmanager has no cluster to talk to.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type Server, startServer } from './process.ts';
import type { Sink } from './sink.ts';

export interface StartOptions {
  /** Begin with an empty data directory. */
  readonly fresh: boolean;
  readonly rules?: string;
  /** Alertmanager tells of the first alert of a group after that; at once unless said. */
  readonly groupWait?: string;
}

export interface Contender {
  readonly name: string;
  start(options: StartOptions): Promise<Server>;
  remove(): void;
}

export function alertmanager(sink: Sink): Contender {
  const dir = mkdtempSync(join(tmpdir(), 'quell-speed-am-'));
  const config = join(dir, 'alertmanager.yml');
  return {
    name: 'Alertmanager',
    async start({ fresh, groupWait = '0s' }) {
      writeFileSync(config, configOf(sink, groupWait));
      const port = await freePort();
      const data = join(dir, 'data');
      if (fresh) rmSync(data, { recursive: true, force: true });
      return startServer({
        name: 'Alertmanager',
        command: 'prometheus-alertmanager',
        args: [
          `--config.file=${config}`,
          `--storage.path=${data}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--cluster.listen-address=',
        ],
        port,
        log: join(dir, 'log'),
      });
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}

function configOf(sink: Sink, groupWait: string): string {
  return `route:
  receiver: sink
  group_by: [alertname, service]
  group_wait: ${groupWait}
  group_interval: 5m
receivers:
  - name: sink
    webhook_configs: [{ url: 'http://127.0.0.1:${sink.port}/webhook', send_resolved: true }]
`;
}

/** `main` is Quell as it is built: dist/main.js. */
export function quell(sink: Sink, main: string): Contender {
  const dir = mkdtempSync(join(tmpdir(), 'quell-speed-'));
  return {
    name: 'Quell',
    async start({ fresh, rules = 'rules' }) {
      const port = await freePort();
      const data = join(dir, 'data');
      if (fresh) rmSync(data, { recursive: true, force: true });
      return startServer({
        name: 'Quell',
        command: process.execPath,
        args: [main, 'serve'],
        port,
        env: {
          QUELL_PORT: String(port),
          QUELL_DATA_DIR: data,
          QUELL_RULES_DIR: rules,
          SLACK_BOT_TOKEN: 'xoxb-speed',
          SLACK_API_URL: `http://127.0.0.1:${sink.port}/api/`,
        },
        log: join(dir, 'log'),
      });
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}

/** Rules with so many services that wake people, each with a channel of its own and depending on nobody. */
export function writeRules(services: number, tag: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'quell-speed-rules-'));
  const lines = Array.from(
    { length: services },
    (_, n) => `  - { name: ${tag}-service-${n}, tier: 1, channel: '#${tag}-${n}' }`,
  );
  writeFileSync(join(dir, 'services.yaml'), `services:\n${lines.join('\n')}\n`);
  writeFileSync(join(dir, 'routes.yaml'), `route: { channel: owner }\n`);
  // They fail at the same time all the same: each is to have a message of its own.
  writeFileSync(join(dir, 'correlate.yaml'), 'correlate: [{ off: true }]\nstorm: { off: true }\n');
  return dir;
}
