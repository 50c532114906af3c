/**
 * The real Alertmanager, with the configuration that docs/alertmanager.md recommends: the very YAML
 * of that page, in which only addresses, the token's file and intervals are replaced.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Document, parseDocument } from 'yaml';
import { type Child, startChild } from './child.ts';
import { scratchDir } from './scratch-dir.ts';
import { GET_TOOLS, toolPath } from './test-tools.ts';
import { within } from './within.ts';

export interface AlertmanagerOptions {
  /** Where it sends its webhooks. */
  readonly quellUrl: string;
  /** The token that it shows there. */
  readonly token: string;
  /** How long a user would wait, and a test need not. */
  readonly groupInterval: string;
}

export interface Alertmanager extends Child {
  readonly url: string;
}

const PAGE = 'docs/alertmanager.md';

export async function startAlertmanager(options: AlertmanagerOptions): Promise<Alertmanager> {
  const dir = scratchDir('alertmanager');
  const config = join(dir, 'alertmanager.yml');
  writeFileSync(join(dir, 'token'), options.token);
  writeFileSync(config, configFromPage(options, join(dir, 'token')));
  const child = startChild({
    name: 'Alertmanager',
    command: toolPath('prometheus-alertmanager', 'alertmanager'),
    args: [
      `--config.file=${config}`,
      `--storage.path=${join(dir, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--cluster.listen-address=',
    ],
    missing: GET_TOOLS,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const listening = child.line(/msg="Listening on" address=(\S+)/);
  const [, address = ''] = await within(30, 'Alertmanager listens', listening, child.tail);
  return { ...child, url: `http://${address}` };
}

/** The first YAML block of the page that has a route. */
export function recommendedConfig(): string {
  const page = readFileSync(PAGE, 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const block = blocks.find((text) => /^route:/m.test(text));
  if (block === undefined) throw new Error(`${PAGE} shows no configuration with a route`);
  return block;
}

function configFromPage(
  { quellUrl, groupInterval }: AlertmanagerOptions,
  tokenFile: string,
): string {
  const config = parseDocument(recommendedConfig());
  const webhook = ['receivers', 0, 'webhook_configs', 0];
  const url = new URL(String(config.getIn([...webhook, 'url'])));
  replace(config, [...webhook, 'url'], `${quellUrl}${url.pathname}`);
  replace(config, [...webhook, 'http_config', 'authorization', 'credentials_file'], tokenFile);
  replace(config, ['route', 'group_interval'], groupInterval);
  return config.toString();
}

/** What the page no longer has cannot be replaced: then this file is behind. */
function replace(config: Document, path: readonly (string | number)[], value: string): void {
  if (!config.hasIn(path)) throw new Error(`${PAGE} no longer sets ${path.join('.')}`);
  config.setIn(path, value);
}
