/**
 * A delivery against the Slack stand-in, with a lane that believes what it is told: what is reported
 * becomes what `view` says, as in the service.
 */
import { onTestFinished } from 'vitest';
import type { DeliveryOutcome, Effect, MessageRef, Reply, Severity } from '../../src/model.ts';
import { createSlackApi } from '../../src/slack/api.ts';
import { createDelivery, type Delivery } from '../../src/slack/delivery.ts';
import type { Log } from '../../src/slack/log.ts';
import type { MessageView } from '../../src/view.ts';
import { bareView } from './message-view.ts';
import { type SlackStandIn, type StandInOptions, startSlackStandIn } from './slack-stand-in.ts';
import { type SleepingClock, sleepingClock } from './sleeping-clock.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

export interface DeliveryDesk {
  readonly slack: SlackStandIn;
  readonly clock: SleepingClock;
  readonly delivery: Delivery;
  readonly log: readonly LogLine[];
  readonly reports: readonly { readonly effect: string; readonly outcome: DeliveryOutcome }[];
  /** The incident as it stands now; counts as a newer revision. */
  readonly see: (incident: string, change?: Partial<MessageView>) => void;
  /** Looking at the incident fails, by a bug; or does not any more. */
  readonly breakLook: (incident: string, broken: boolean) => void;
  readonly forget: (incident: string) => void;
  /** Another instance says, late, that it sent this revision. */
  readonly sentElsewhere: (incident: string, revision: number) => void;
  readonly messageOf: (incident: string) => MessageRef | undefined;
  /** As if the service were killed and started again: what it knew is gone, what it reported is not. */
  readonly restart: () => Delivery;
  /** From now on outcomes are kept, but only decided on when it has caught up. */
  readonly laneLags: () => { readonly catchUp: () => void };
  /** Reports fail that often before they succeed. */
  readonly failReports: (times: number) => void;
}

/** Some time in 2026, so that message ids look like those of Slack. */
export const START = Date.UTC(2026, 2, 10, 2, 47);

export interface DeskOptions extends StandInOptions {
  /** How long to wait for an answer of Slack, in real time; for tests in which it never comes. */
  readonly timeoutMs?: number;
}

export async function deliveryDesk(options: DeskOptions = {}): Promise<DeliveryDesk> {
  const clock = sleepingClock(START);
  const slack = await startSlackStandIn({ now: clock.now, ...options });
  const views = new Map<string, MessageView>();
  const messages = new Map<string, MessageRef>();
  const sent = new Map<string, number>();
  const reports: { effect: string; outcome: DeliveryOutcome }[] = [];
  const lines: LogLine[] = [];
  const deliveries: Delivery[] = [];
  const broken = new Set<string>();
  let failing = 0;
  let undecided: (() => void)[] | undefined;

  function deliver(): Delivery {
    const log = recorder(lines);
    const delivery = createDelivery({
      api: createSlackApi({ token: 'xoxb-1', apiUrl: slack.url, log, ...options }),
      view(incident) {
        if (broken.has(incident)) throw new TypeError('a bug');
        const view = views.get(incident);
        if (view === undefined) return undefined;
        return { view, message: messages.get(incident), sentRevision: sent.get(incident) };
      },
      async report(effect, outcome) {
        if (failing-- > 0) throw new Error('the lane is loading');
        reports.push({ effect: effect.id, outcome });
        if (effect.kind !== 'message') return;
        const decide = () => {
          if (outcome.kind === 'sent') {
            messages.set(effect.incident, outcome.message);
            sent.set(effect.incident, outcome.revision);
          }
          if (outcome.kind === 'refused') sent.set(effect.incident, outcome.revision ?? 0);
          if (outcome.kind !== 'gone') return;
          messages.delete(effect.incident);
          sent.delete(effect.incident);
        };
        if (undecided === undefined) decide();
        else undecided.push(decide);
      },
      clock,
      random: () => 0.5,
      log,
    });
    deliveries.push(delivery);
    return delivery;
  }

  onTestFinished(async () => {
    await Promise.all(deliveries.map((delivery) => delivery.stop()));
    await slack.close();
  });
  return {
    slack,
    clock,
    delivery: deliver(),
    log: lines,
    reports,
    see(incident, change = {}) {
      const revision = (views.get(incident)?.revision ?? 0) + 1;
      views.set(incident, bareView({ ...views.get(incident), ...change, incident, revision }));
    },
    breakLook: (incident, isBroken) =>
      void (isBroken ? broken.add(incident) : broken.delete(incident)),
    forget: (incident) => void views.delete(incident),
    sentElsewhere: (incident, revision) => void sent.set(incident, revision),
    messageOf: (incident) => messages.get(incident),
    restart: deliver,
    laneLags() {
      undecided = [];
      return {
        catchUp() {
          for (const decide of undecided ?? []) decide();
          undecided = undefined;
        },
      };
    },
    failReports: (times) => void (failing = times),
  };
}

export function messageEffect(incident: string, change: Partial<Effect> = {}): Effect {
  return {
    kind: 'message',
    id: `message:${incident}`,
    incident,
    at: START,
    channel: '#alerts',
    severity: 'warning' satisfies Severity,
    delivery: 'webhook-1',
    ...change,
    // The spread may only replace what every effect has.
  } as Effect;
}

export function replyEffect(incident: string, number = 1, reply: Reply = REFIRED): Effect {
  return {
    kind: 'reply',
    id: `reply:${incident}:${number}`,
    incident,
    reply,
    at: START,
    channel: '#alerts',
    severity: 'warning',
    delivery: undefined,
  };
}

const REFIRED: Reply = { kind: 'refired', times: 2, service: 'checkout', mention: [] };

function recorder(lines: LogLine[]): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
