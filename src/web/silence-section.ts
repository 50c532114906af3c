/**
 * The silences of the first page: those that last, and those that will begin, the next to end first.
 */
import type { Instant, People } from '../model.ts';
import { count, duration } from '../slack/words.ts';
import { type Html, html } from './html.ts';
import { clock } from './layout.ts';
import type { SilenceJson } from './silence-shapes.ts';

const SHOWN = 50;
const COMMENT_SHOWN = 200;

export function silenceSection(
  silences: readonly SilenceJson[],
  people: People,
  now: Instant,
): Html | undefined {
  if (silences.length === 0) return undefined;
  const rows = silences.slice(0, SHOWN).map((silence) => {
    const { status, startsAt, endsAt, createdBy, comment, matchers } = silence;
    const isPending = status.state === 'pending';
    const at = isPending ? startsAt : endsAt;
    const when = isPending ? 'from' : 'until';
    const rest = duration(Date.parse(at) - now);
    const what = matchers.map(({ name, value, isRegex, isEqual }) => {
      const operator = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
      return `${name}${operator}"${value}"`;
    });
    const left = isPending ? `begins in ${rest}` : `${rest} to go`;
    return html`<li><span>${when} <time datetime="${at}">${clock(at, now).slice(0, -3)}</time></span>
<span>{${what.join(', ')}} <span class="soft">${people.get(createdBy) ?? createdBy}: ${comment.slice(0, COMMENT_SHOWN)} · ${left}</span></span></li>`;
  });
  const more = silences.length - SHOWN;
  const rest = more > 0 ? html`${count(more, 'silence')} more are not shown. ` : undefined;
  return html`<h2>Silences</h2><ul>${rows}</ul>
<p class="soft">${rest}Times are UTC. <a href="/v1/silences">All of them</a>, <a href="/v1/alerts?state=silenced">what is silenced</a>, <a href="/decisions?reason=silence-set">who set them</a></p>`;
}
