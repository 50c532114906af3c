/** The real Prometheus, watching a platform and sending its alerts to an Alertmanager, or to Quell as if it were one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { type Child, startChild } from './child.ts';
import { scratchDir } from './scratch-dir.ts';
import { GET_TOOLS, toolPath } from './test-tools.ts';
import { within } from './within.ts';

export interface PrometheusOptions {
  /** host:port of what it scrapes. */
  readonly target: string;
  /** Where its alerts go: the address that Alertmanager, or Quell, listens on. */
  readonly alertsTo: string;
  /** Shown there, if it asks for one. */
  readonly token?: string;
}

export interface Prometheus extends Child {
  readonly url: string;
}

const RULES = {
  groups: [
    {
      name: 'platform',
      rules: [
        {
          alert: 'ServiceDown',
          expr: 'max by (service, environment) (service_up == 0)',
          labels: { severity: 'critical' },
          annotations: {
            summary: '{{ $labels.service }} does not answer',
            description: 'No answer to a health check.\nSeen by <the prober> & "others".',
          },
        },
        { alert: 'Watchdog', expr: 'vector(1)', labels: { severity: 'none' } },
      ],
    },
  ],
};

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const dir = scratchDir('prometheus');
  writeFileSync(join(dir, 'rules.yml'), stringify(RULES));
  writeFileSync(join(dir, 'prometheus.yml'), stringify(configOf(options)));
  const child = startChild({
    name: 'Prometheus',
    command: toolPath('prometheus'),
    args: [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      // An alert that is not mentioned for four of these is taken as resolved.
      '--rules.alert.resend-delay=2s',
    ],
    missing: GET_TOOLS,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const listening = child.line(/msg="Listening on" address=(\S+)/);
  const [, address = ''] = await within(30, 'Prometheus listens', listening, child.tail);
  const ready = child.line(/Server is ready/);
  await within(30, 'Prometheus is ready', ready, child.tail);
  return { ...child, url: `http://${address}` };
}

function configOf({ target, alertsTo, token }: PrometheusOptions) {
  const { host } = new URL(alertsTo);
  const authorization = token === undefined ? {} : { authorization: { credentials: token } };
  return {
    global: {
      scrape_interval: '500ms',
      scrape_timeout: '500ms',
      evaluation_interval: '500ms',
      external_labels: { replica: 'a' },
    },
    rule_files: ['rules.yml'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [host] }], ...authorization }] },
    scrape_configs: [{ job_name: 'platform', static_configs: [{ targets: [target] }] }],
  };
}
