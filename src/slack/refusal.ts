/**
 * What Slack's refusals mean for a message that waits. docs/slack.md lists them for operators.
 */

/** The whole app is refused, whatever it says: a person must mend it, and everything waits. */
const ABOUT_US = new Set([
  'access_denied',
  'account_inactive',
  'accesslimited',
  'ekm_access_denied',
  'enterprise_is_restricted',
  'invalid_auth',
  'missing_scope',
  'no_permission',
  'not_allowed_token_type',
  'not_authed',
  'org_login_required',
  'team_access_not_granted',
  'team_added_to_org',
  'token_expired',
  'token_revoked',
  'two_factor_setup_required',
]);

/** The message to update is not there, is not ours any more, or stands where nobody reads: it is posted anew. */
const GONE = new Set([
  'message_not_found',
  'cant_update_message',
  'channel_not_found',
  // Slack's word for an update in an archived channel, and for a post there.
  'is_inactive',
  'is_archived',
]);

/** Slack takes the words but not how they are laid out: they go without blocks. */
const LAYOUT = new Set(['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long']);

export function isAboutUs(error: string): boolean {
  return ABOUT_US.has(error);
}

/** Refusals of a look-up alone: the bot lacks a permission that posting does not need. */
const NOT_ALLOWED = new Set([
  'access_denied',
  'accesslimited',
  'missing_scope',
  'no_permission',
  'not_allowed_token_type',
]);

/** The whole app is refused, and what it asks for may be granted once that is mended. */
export function isForNow(error: string): boolean {
  return ABOUT_US.has(error) && !NOT_ALLOWED.has(error);
}

export function isGone(error: string): boolean {
  return GONE.has(error);
}

export function isAboutLayout(error: string): boolean {
  return LAYOUT.has(error);
}

/** A public channel that the bot can enter by itself. */
export function isNotMember(error: string): boolean {
  return error === 'not_in_channel';
}
