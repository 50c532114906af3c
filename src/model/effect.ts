/**
 * What Quell asks for in Slack, what its lines in threads say, and what Slack did with it. model.ts hands these on.
 */
import type { Instant, Severity } from './basics.ts';

/**
 * Something to do in Slack, carried out at least once. `id` is the idempotency key and the key of its
 * row in the outbox: a later effect with the same id takes the place of the earlier one.
 *
 * A `message` (id `message:<incident>`) says only that the incident has a newer revision. What is
 * sent is rendered from the newest state when its turn comes: a post when the incident has no message
 * yet, else an update. It is done when the newest revision was sent.
 */
export type Effect = MessageEffect | ReplyEffect | DigestEffect;

interface EffectBase {
  readonly id: string;
  readonly at: Instant;
  /** `#name` or channel id, as the route says; a reply goes where the message is. */
  readonly channel: string;
  /** Decides who goes first when Slack is slow. */
  readonly severity: Severity;
  /** Correlates log lines with the request that caused it. */
  readonly delivery: string | undefined;
}
export interface MessageEffect extends EffectBase {
  readonly kind: 'message';
  readonly incident: string;
}
export interface ReplyEffect extends EffectBase {
  readonly kind: 'reply';
  readonly incident: string;
  readonly reply: Reply;
}
/** One standing message for all that was worth telling, but not at once. No `message`: it is posted. */
export interface DigestEffect extends EffectBase {
  readonly kind: 'digest';
  readonly message: MessageRef | undefined;
  readonly from: Instant;
  readonly lines: readonly DigestLine[];
}
export interface DigestLine {
  readonly incident: string;
  readonly service: string;
  readonly name: string;
  readonly severity: Severity;
  readonly environment: string;
  /** How many incidents of this service and name there were, and how many alerts in them. */
  readonly incidents: number;
  readonly alerts: number;
  readonly firing: boolean;
  /** Its services that still fire, the first of `of`. */
  readonly still?: { readonly services: readonly string[]; readonly of: number } | undefined;
  /** Why it stands here, where its route would have made a message of it. */
  readonly why?: string | undefined;
}

type Rise = Readonly<Record<'from' | 'to', Severity>>;
/** Whom the line calls. */
type Calls = {
  readonly mention: readonly string[] | undefined;
  /** Said in another channel than that of the message. */
  readonly there?: { readonly channel: string; readonly messageIn: string } | undefined;
};
type Asked = { readonly user: string; readonly services: readonly string[] };
/** A line in the thread: only for what deserves a ping. */
export type Reply =
  | ({ readonly kind: 'severity-rose'; readonly service: string } & Rise & Calls)
  | ({ readonly kind: 'service-joined'; readonly services: readonly string[] } & Calls)
  | ({ readonly kind: 'refired'; readonly times: number; readonly service: string } & Calls)
  | { readonly kind: 'escalated'; readonly mention: readonly string[]; readonly afterMs: number }
  | {
      readonly kind: 'silenced';
      readonly user: string;
      readonly until: Instant;
      readonly matchers: readonly string[];
      /** That it matches, of so many that fire. */
      readonly alerts: number;
      readonly firing: number;
    }
  | { readonly kind: 'unsilenced'; readonly user: string; readonly silences: number }
  /** `from`: what it is kept apart from from now on. */
  | ({ readonly kind: 'split'; readonly incident: string; readonly from: string } & Asked)
  /** `tooLarge`: it has too many alerts to be moved at once. */
  | ({ readonly kind: 'not-split' | 'not-unsplit'; readonly tooLarge?: true } & Asked)
  /** `why`: what is wrong with it, in words; undefined: nobody knows what it means. */
  | {
      readonly kind: 'misunderstood';
      readonly user: string;
      readonly text: string;
      readonly why?: string | undefined;
    }
  /** `user`: who asked for quiet with a reaction; undefined: it was a silence. */
  | ({
      readonly kind: 'silence-over';
      readonly firing: number;
      readonly user: string | undefined;
    } & Calls)
  | { readonly kind: 'not-solved'; readonly user: string; readonly firing: number }
  /** Something of little urgency, told in the thread of the incident it stands beside. */
  | ({
      readonly kind: 'beside';
      readonly incident: string;
      readonly service: string;
      readonly name: string;
      readonly severity: Severity;
    } & Calls);

/** By what Slack knows a message. */
export interface MessageRef {
  readonly channel: string;
  /** Slack's message id, also its time in seconds: `1710000000.000100`. */
  readonly ts: string;
}

/** What Slack did with an effect. */
export type DeliveryOutcome =
  /** `revision` is the one of the view that was sent; 0 for a reply or a digest. */
  | {
      readonly kind: 'sent';
      readonly message: MessageRef;
      readonly revision: number;
      /** What went before, in words, if it was not taken at once: "after 3 tries in 45 s (rate limited)". */
      readonly after?: string;
      /** There is no Slack: it was shown on the page. */
      readonly preview?: true;
      /** Slack had it for a while before we knew: people may have reacted to it meanwhile. */
      readonly late?: true;
    }
  /** The message to update is not there any more: somebody deleted it, or archived its channel. `error` is Slack's word. */
  | { readonly kind: 'gone'; readonly error?: string }
  /** Slack will never take it there (no such channel, not invited ...). `error` is Slack's own word. */
  | {
      readonly kind: 'refused';
      readonly error: string;
      readonly channel?: string;
      /** Of the view that was refused, as in `sent`; undefined: of the newest. */
      readonly revision?: number;
    };
