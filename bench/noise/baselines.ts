/**
 * What simple tools would have sent on the same recording, in the same format as Quell's messages.
 *
 *     npx tsx bench/noise/baselines.ts alert|name5m RECORDING.jsonl MESSAGES.jsonl [plain|kube|legacy]
 *
 * `alert`: each firing is a message. `name5m`: firings with the same alertname and service no more
 * than five minutes apart are one message.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { canonicalKey } from './finder.ts';
import { LABEL_STYLES, type LabelStyle, labelStyle } from './labels.ts';
import type { MessageLine } from './tally.ts';

export interface RecordedLine {
  readonly at: string;
  readonly body: {
    readonly alerts: readonly {
      readonly status: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly startsAt: string;
    }[];
  };
}

export const BASELINES = ['alert', 'name5m'] as const;
export type BaselineName = (typeof BASELINES)[number];

/** Gets the recording line by line; gives the messages that follow. */
export type Baseline = (line: RecordedLine) => MessageLine[];

export function createBaseline(name: BaselineName, style: LabelStyle): Baseline {
  return name === 'alert' ? everyAlert(style) : byNameAndService(style, 5 * 60_000);
}

function firingsOnce(): (line: RecordedLine) => RecordedLine['body']['alerts'] {
  const seen = new Set<string>();
  return (line) =>
    line.body.alerts.filter((alert) => {
      const key = `${canonicalKey(alert.labels)}@${alert.startsAt}`;
      if (alert.status !== 'firing' || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

function everyAlert(style: LabelStyle): Baseline {
  const once = firingsOnce();
  let count = 0;
  return (line) =>
    once(line).map(({ labels, startsAt }) => {
      count += 1;
      const root = labels[style.serviceLabel] ?? null;
      return {
        at: line.at,
        action: 'post',
        incident: `a${count}`,
        alerts: [{ labels, startsAt }],
        root,
      };
    });
}

function byNameAndService(style: LabelStyle, windowMs: number): Baseline {
  const once = firingsOnce();
  const open = new Map<
    string,
    {
      readonly incident: string;
      readonly alerts: MessageLine['alerts'] & object;
      readonly at: number;
    }
  >();
  let count = 0;
  return (line) =>
    once(line).map(({ labels, startsAt }) => {
      const at = Date.parse(line.at);
      const root = labels[style.serviceLabel] ?? null;
      const key = JSON.stringify([labels['alertname'], root, labels[style.environmentLabel]]);
      const known = open.get(key);
      const goesOn = known !== undefined && at - known.at <= windowMs;
      if (!goesOn) count += 1;
      const incident = goesOn ? known.incident : `g${count}`;
      const alerts = [...(goesOn ? known.alerts : []), { labels, startsAt }];
      open.set(key, { incident, alerts, at });
      return { at: line.at, action: goesOn ? 'update' : 'post', incident, alerts, root };
    });
}

export async function runBaseline(
  name: BaselineName,
  files: { readonly recording: string; readonly messages: string },
  style: LabelStyle,
): Promise<void> {
  const baseline = createBaseline(name, style);
  const out = openSync(files.messages, 'w');
  try {
    const lines = createInterface({
      input: createReadStream(files.recording),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const line of lines) {
      // Written by generate.ts.
      for (const message of baseline(JSON.parse(line) as RecordedLine))
        writeSync(out, `${JSON.stringify(message)}\n`);
    }
  } finally {
    closeSync(out);
  }
}

async function main(): Promise<void> {
  const [wanted, recording, messages, labels = 'plain'] = process.argv.slice(2);
  const name = BASELINES.find((it) => it === wanted);
  const style = LABEL_STYLES.find((it) => it === labels);
  if (
    name === undefined ||
    style === undefined ||
    recording === undefined ||
    messages === undefined
  ) {
    process.stderr.write(
      `usage: baselines.ts ${BASELINES.join('|')} RECORDING MESSAGES [${LABEL_STYLES.join('|')}]\n`,
    );
    process.exitCode = 2;
    return;
  }
  await runBaseline(name, { recording, messages }, labelStyle(style));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
