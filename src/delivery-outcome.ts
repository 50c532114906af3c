/**
 * What Slack did with an effect, and by what it knows a message. model.ts hands these on.
 */

export interface MessageRef {
  readonly channel: string;
  /** Slack's message id, also its time in seconds: `1710000000.000100`. */
  readonly ts: string;
}

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
