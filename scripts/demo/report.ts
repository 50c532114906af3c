/** What the demonstration prints: each webhook as it goes out, and in the end both sides of the sum. */
import type { Api, DemoAlertShown, DemoIncident } from './api.ts';
import type { Beat } from './scenario.ts';

export interface ReportOptions {
  readonly url: string;
  readonly api: Api;
  readonly run: string;
  readonly played: {
    readonly webhooks: number;
    readonly firings: number;
    readonly alerts: number;
    readonly services: number;
  };
  /** The messages as they stood when everything fired. */
  readonly height: readonly string[];
}

export function table({ at, status, alerts }: Beat, speed: number): string {
  const [first] = alerts;
  const time = `${(at / speed).toFixed(1).padStart(5)} s`;
  const times = alerts.length > 1 ? ` ×${alerts.length}` : '';
  const sign = status === 'firing' ? '▲' : '▽';
  return `${time}  ${sign} ${(first?.service ?? '').padEnd(14)} ${first?.name ?? ''}${times}`;
}

export async function report({ url, api, run, played, height }: ReportOptions): Promise<string> {
  const incidents = await api.incidents(run);
  const told = incidents.filter(({ toldIn }) => toldIn === 'message');
  const untold = new Map(
    incidents.filter((one) => !told.includes(one)).map((one) => [one.id, one]),
  );
  const alerts = await api.alerts(run);
  const quiet = alerts.filter(({ incident }) => untold.has(incident ?? ''));
  const after = await api.messages(run);
  return [
    `Sent   ${played.firings} firings of ${played.alerts} alerts of ${played.services} services, in ${played.webhooks} webhooks.`,
    `Told   ${count(told.length, 'message')}${shareOf(told, alerts)}. At its height:`,
    '',
    ...height.map(indented),
    'After the repair the same message says:',
    '',
    ...after.map((text) => indented(text.split('\n').slice(0, 3).join('\n'))),
    `Not told   ${count(quiet.length, 'alert')}:`,
    '',
    ...(await Promise.all(quiet.map((alert) => reason(api, alert)))),
    'Every decision has its reason. One alert in full:',
    `    ${url}/alerts/${quiet[0]?.fingerprint ?? alerts[0]?.fingerprint ?? ''}`,
  ].join('\n');
}

function shareOf(told: readonly DemoIncident[], alerts: readonly DemoAlertShown[]): string {
  // An incident that was opened again also has the alerts of an earlier run.
  const ids = new Set(told.map(({ id }) => id));
  const inThem = alerts.filter(({ incident }) => ids.has(incident ?? '')).length;
  const roots = told.map(({ root }) => root ?? 'unknown').join(', ');
  return ` for ${inThem} of the ${alerts.length} alerts; likely cause: ${roots}`;
}

async function reason(api: Api, alert: DemoAlertShown): Promise<string> {
  const sentences = await api.explain(alert.fingerprint);
  return indented(`${alert.service} ${alert.name}: ${sentences.join(' ')}`);
}

function indented(text: string): string {
  return `${text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
