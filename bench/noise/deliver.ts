/**
 * The way from two Alertmanager replicas to the recording: latency, retries, late and repeated ones.
 *
 * The replicas usually agree on who notifies. When they lose sight of each other both do, and the
 * second one's alerts come from a Prometheus whose clock is some seconds off.
 */
import type { Notification } from './alertmanager.ts';
import type { Random } from './random.ts';
import { HOUR, MINUTE, SECOND } from './world.ts';

export interface Delivery {
  readonly at: number;
  readonly notification: Notification;
  /** Of the clock that stamped its alerts. */
  readonly skewMs: number;
}

export function deliveries(
  sorted: readonly Notification[],
  span: { readonly from: number; readonly to: number },
  random: Random,
): Delivery[] {
  const skewMs = random.int(-4_000, 4_000);
  const partings = partingsOf(span, random.fork('partings'));
  const chaos = random.fork('chaos');
  const out: Delivery[] = [];
  for (const notification of sorted) {
    const at = notification.at + chaos.between(15, 250);
    // One in 150 meets a slow network: it comes late, and what was sent after it comes before it.
    const late = chaos.chance(1 / 150) ? chaos.between(20, 180) * SECOND : 0;
    out.push({ at: at + late, notification, skewMs: 0 });
    // One in 100 was taken, but the answer was lost: it is sent again.
    if (chaos.chance(0.01))
      out.push({ at: at + late + chaos.between(1, 8) * SECOND, notification, skewMs: 0 });
    const apart = partings.some(({ from, to }) => notification.at >= from && notification.at < to);
    if (apart || chaos.chance(0.02)) {
      out.push({ at: at + chaos.between(200, 15_000), notification, skewMs: apart ? skewMs : 0 });
    }
  }
  return out.filter(({ at }) => at < span.to).sort((a, b) => a.at - b.at);
}

/** About one a day, for half an hour to three hours. */
function partingsOf(
  { from, to }: { readonly from: number; readonly to: number },
  random: Random,
): readonly { readonly from: number; readonly to: number }[] {
  const found = [];
  for (let at = from + random.between(0, 36) * HOUR; at < to; at += random.between(12, 36) * HOUR) {
    found.push({ from: at, to: at + random.between(30, 180) * MINUTE });
  }
  return found;
}
