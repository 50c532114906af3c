/**
 * The log as this room sees it, and one for Slack's own clients. Nothing here may let a whole request
 * through: it holds the token.
 */
import type { Logger, LogLevel } from '@slack/web-api';

/** What this room needs of a log: pino's shape, so that a pino logger is one. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Slack's own clients talk to this: their warnings are details of what we report ourselves. */
export function sdkLogger(log: Log) {
  const say = (...parts: readonly unknown[]) =>
    log.debug({ sdk: parts.map(String).join(' ').slice(0, 500) }, 'slack client');
  return {
    // Debug lines of the clients contain whole requests.
    debug: () => {},
    info: say,
    warn: say,
    error: say,
    setLevel: () => {},
    getLevel: () => 'warn' as LogLevel,
    setName: () => {},
  } satisfies Logger;
}
