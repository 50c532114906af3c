/**
 * Small words: counts, names of alerts as people would say them.
 *
 * No number leaves here without its unit.
 */
import type { Instant, Severity } from '../model.ts';
import { duration } from '../rules/duration.ts';

export function since(at: Instant, now: Instant): string {
  return now - at < 1_000 ? 'just now' : duration(now - at);
}

export function ago(at: Instant, now: Instant): string {
  return now - at < 1_000 ? 'just now' : `${duration(now - at)} ago`;
}

/** `1 alert`, `14 alerts`, `1,204 alerts`. */
export function count(number: number, unit: string, units = `${unit}s`): string {
  return `${digits(number)} ${number === 1 ? unit : units}`;
}

/** `1,204`, where its unit stands nearby. */
export function digits(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

export function times(number: number): string {
  if (number === 1) return 'once';
  return number === 2 ? 'twice' : count(number, 'time');
}

/** `a`, `a and b`, `a, b and c`, `a, b and 3 more`; `total` may be more than there are names. */
export function list(names: readonly string[], shown: number, total = names.length): string {
  const first = names.slice(0, shown);
  const more = total - first.length;
  const parts = more > 0 ? [...first, `${more} more`] : first;
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** `HighErrorRate` -> `high error rate`, `CPUThrottlingHigh` -> `CPU throttling high`, `High5xxRate` -> `high 5xx rate`. */
export function spelledOut(name: string): string {
  return name
    .slice(0, 500)
    .replace(/(\p{L}[1-5])XX/gu, '$1xx')
    .replace(/(\p{L})([1-5]xx)(?!\p{Ll})/gu, '$1 $2')
    .replace(/(?<!\p{Lu})(In|For|Within|After|Than|Over|Above|Under|Below|Last)(?=\p{N})/gu, '$1 ')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replace(/[_\s-]+/g, ' ')
    .trim()
    .split(' ')
    .map((word) => (/^\p{Lu}[\p{Ll}']+$/u.test(word) ? word.toLowerCase() : word))
    .join(' ');
}

/** `high load of checkout`; what has no service of its own is called by its name only. */
export function nameOf(name: string, service: string): string {
  const words = spelledOut(name);
  return isOwnName(name, service) ? words : `${words} of ${service}`;
}

/** An alert that names no service stands for one itself: saying both would say it twice. */
export function isOwnName(name: string, service: string): boolean {
  return service === '' || spelledOut(name).toLowerCase() === spelledOut(service).toLowerCase();
}

/** Begins a sentence. Addresses and names with a dot, a slash or an underscore stay as they are. */
export function capitalised(text: string): string {
  if (/^\S*[._/]\S/.test(text)) return text;
  const [first = ''] = text;
  return first.toUpperCase() + text.slice(first.length);
}

export const DOTS = {
  critical: '🔴',
  high: '🟠',
  warning: '🟡',
  info: '🔵',
  none: '🔵',
} as const satisfies Record<Severity, string>;

export function severityWord(severity: Severity): string {
  return severity === 'none' ? 'without severity' : severity;
}

/** What people can ask for in the thread of a message. */
export const ASKABLE =
  '“silence 2h why it may be quiet”, “unsilence”, “split a-service” and “unsplit”';
