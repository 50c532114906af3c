/**
 * The pages that tell a story: of one incident, of one alert, of the decisions of one kind.
 */
import { FOLDED, fold } from '../explain/fold.ts';
import { momentInWords } from '../explain/words.ts';
import type { Instant } from '../model.ts';
import { hashOf } from '../rules/rules.ts';
import { count, DOTS, nameOf } from '../slack/words.ts';
import type { AlertDetail, IncidentDetail, OtherwiseJson, StepJson } from './details.ts';
import { type Html, html, linked } from './html.ts';
import {
  alertPath,
  head,
  incidentPath,
  layout,
  message,
  REFRESH_S,
  stateInWords,
} from './layout.ts';
import { older } from './list-pages.ts';
import type { Listed } from './lists.ts';
import type { AlertJson, DecisionJson, IncidentJson } from './shapes.ts';

export function incidentPage(incident: IncidentDetail, now: Instant): string {
  const { text, title, severity, state } = incident;
  const shown = text ?? `${DOTS[severity]} ${title}`;
  const untold = untoldNote(incident, now);
  const looks = untold !== undefined ? 'untold' : state === 'resolved' ? 'resolved' : severity;
  const parts = [
    head(html`<span>incident ${incident.id}</span><span>${stateInWords(incident, now)}</span>`),
    html`<main>${untold === undefined ? undefined : html`<p class="notice">${untold}</p>`}
<article class="${looks}">${message(shown)}</article>
<h2>What happened, and why</h2>${chainOfIncident(incident)}${decidedBy(incident)}
${otherwiseOf(incident.otherwise)}
${incident.incidents === undefined ? alertsOf(incident) : incidentsOf(incident.incidents)}</main>`,
  ];
  return layout(
    `${title} - Quell`,
    state === 'resolved' ? undefined : REFRESH_S,
    parts,
    incident.rulesNow,
  );
}

/** Said first, because everything below it looks as if somebody had been told. */
function untoldNote(
  { toldIn, toldBecause, chronic, state, members, channel }: IncidentDetail,
  now: Instant,
) {
  if (toldIn === 'message') return undefined;
  if (toldIn === 'digest')
    return `Without a message of its own: it is told in the digest${inChannel(channel)}${chronic ? `, because ${toldBecause}` : ''}.`;
  if (toldIn === 'thread')
    return `Without a message of its own: it was told in the thread of another${inChannel(channel)}.`;
  if (toldIn === 'storm') return 'Without a message of its own: it was told as part of a storm.';
  if (toldIn === 'nowhere') return 'Nobody was told: its route says so.';
  if (state === 'resolved')
    return `Nobody was told: it was over before it was worth telling.${wouldHave(members, now)}`;
  const at = toldIfStillFiring(members);
  const then =
    at === undefined ? '' : ` It is told at ${momentInWords(at, now)} if it still fires then.`;
  return `Nobody was told yet.${then}`;
}

function inChannel(channel: string | null): string {
  return channel === null ? '' : ` of ${channel}`;
}

function wouldHave(members: readonly AlertJson[], now: Instant): string {
  const first = members
    .filter(({ heldUntil, since }) => heldUntil > since)
    .toSorted((one, other) => (one.heldUntil < other.heldUntil ? -1 : 1))[0];
  if (first === undefined) return '';
  const until = momentInWords(Date.parse(first.heldUntil), now);
  return ` It would have been told if it had lasted until ${until}.`;
}

function toldIfStillFiring(members: readonly AlertJson[]): Instant | undefined {
  const held = members
    .filter(
      ({ status, silenced, inhibited }) =>
        status === 'firing' && silenced === null && inhibited === null,
    )
    .map(({ heldUntil }) => Date.parse(heldUntil));
  return held.length === 0 ? undefined : Math.min(...held);
}

function alertsOf(incident: IncidentDetail): Html {
  return html`<h2>Its alerts</h2>
<ul>${incident.members.map(memberRow)}</ul>
${moreMembers(incident)}`;
}

function incidentsOf(incidents: readonly IncidentJson[]): Html {
  const rows = incidents.map(
    ({ id, title, severity, alerts, state }) =>
      html`<li><span class="soft">${state}</span>
<span>${DOTS[severity]} <a href="${incidentPath(id)}">${title}</a>
<span class="soft">${count(alerts.total, 'alert')}</span></span></li>`,
  );
  return html`<h2>Its incidents</h2><ul>${rows}</ul>`;
}

function memberRow({ fingerprint, name, service, status, labels }: AlertJson): Html {
  return html`<li><span class="soft">${status}</span>
<span><a href="${alertPath(fingerprint)}">${nameOf(name, service)}</a>
<span class="soft">${labelLine(labels)}</span></span></li>`;
}

function moreMembers({ id, state, alerts, members }: IncidentDetail): Html | undefined {
  const rest = alerts.total - members.length;
  if (rest <= 0) return undefined;
  // Of what is over, only these are kept.
  if (state === 'resolved') return html`<p class="soft">and ${rest} more</p>`;
  return html`<p class="soft">and ${rest} more: <a href="/alerts?incident=${id}">all of them</a></p>`;
}

function labelLine(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .slice(0, 12)
    .map(([name, value]) => `${name}="${value.slice(0, 120)}"`)
    .join(' ');
}

/** What happens once for each alert: of a big incident nobody reads it all. */
const FOLDED_WORDS = {
  joined: 'joined',
  resolved: 'resolved',
  expired: 'taken as resolved',
} as const;

/** What repeats itself is counted, and stands folded below. */
function chainOfIncident({ chain, complete }: IncidentDetail): Html {
  const { shown, folded } = fold(chain);
  const rest = FOLDED.map((reason) => {
    const rows = folded.get(reason);
    if (rows === undefined) return undefined;
    const title = `and ${count(rows.length, 'more alert')} ${FOLDED_WORDS[reason]}`;
    return html`<details><summary>${title}</summary>${daysOf(rows)}</details>`;
  });
  return html`${stepList(shown, complete)}${rest}`;
}

function decidedBy({ decisions }: Pick<AlertDetail, 'decisions'>): Html | undefined {
  // The same files under another commit are the same rules.
  const versions = [...new Map(decisions.map(({ rules }) => [hashOf(rules), rules])).values()];
  if (versions.length === 0) return undefined;
  return html`<p class="soft">Decided by rules ${versions.join(', then ')}.</p>`;
}

/** What a person could change in the rules, and what would have come of it. */
function otherwiseOf(otherwise: readonly OtherwiseJson[]): Html | undefined {
  if (otherwise.length === 0) return undefined;
  const items = otherwise.map(({ text, changes }) => {
    const together =
      changes.length > 1 ? html`<p class="soft">All of these together:</p>` : undefined;
    return html`<p>${code(text)}</p>${together}<ul class="how">${changes.map(({ how }) => html`<li>${code(how)}</li>`)}</ul>`;
  });
  return html`<h2>What would have to be different</h2>${items}`;
}

/** What stands between backquotes is to be typed as it is. */
function code(text: string): readonly Html[] {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
}

export function alertPage(detail: AlertDetail): string {
  const { fingerprint, alert, name, summary, chain, complete } = detail;
  const title = name ?? `alert ${fingerprint}`;
  const incident = alert?.incident ?? undefined;
  const parts = [
    head(html`<span>${alert === null ? '' : `alert ${fingerprint}`}</span>`),
    html`<main><h1>${title}</h1>
${summary.map((sentence) => html`<p>${sentence}</p>`)}
${incident === undefined ? undefined : html`<p><a href="${incidentPath(incident)}">its incident</a></p>`}
<h2>What happened, and why</h2>${stepList(chain, complete, fingerprint)}${decidedBy(detail)}
${otherwiseOf(detail.otherwise)}
${alert === null ? undefined : html`<h2>Labels, as received</h2>${definitions(alert.labels)}<h2>Annotations</h2>${definitions(alert.annotations)}`}
</main>`,
  ];
  return layout(`${title} - Quell`, undefined, parts, detail.rulesNow);
}

/** The decision log as a page; newest first. `query` is what was asked for, without its cursor. */
export function decisionsPage(
  { items, next }: Listed<DecisionJson>,
  query: string,
  rules: string,
): string {
  const parts = [
    head(html`<span>decisions, newest first</span>`),
    html`<main><h2>What was decided, and why</h2>${stepList(items, true)}
${older('/decisions', query, next)}</main>`,
  ];
  return layout('Decisions - Quell', undefined, parts, rules);
}

function definitions(entries: Readonly<Record<string, string>>): Html {
  const rows = Object.entries(entries);
  if (rows.length === 0) return html`<p class="quiet">None.</p>`;
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${linked(value)}</dd>`)}</dl>`;
}

/** `incident`: where the page is of no incident itself. */
type Row = Pick<StepJson, 'at' | 'text' | 'fingerprint' | 'service'> & {
  readonly incident?: string | null;
};

/** `about`: the alert that the page is of; others are named, and linked to. */
function stepList(steps: readonly Row[], complete: boolean, about?: string): Html {
  const before = complete ? undefined : html`<p class="soft">There is more before this.</p>`;
  if (steps.length === 0) return html`<p class="quiet">Nothing is recorded.</p>`;
  return html`${before}${daysOf(steps, about)}`;
}

/** A list for each day. */
function daysOf(steps: readonly Row[], about?: string): readonly Html[] {
  const days: { readonly day: string; readonly rows: Row[] }[] = [];
  for (const step of steps) {
    const day = step.at.slice(0, 10);
    if (days.at(-1)?.day !== day) days.push({ day, rows: [] });
    days.at(-1)?.rows.push(step);
  }
  return days.map(
    ({ day, rows }) =>
      html`<p class="soft">${day} (UTC)</p><ol class="steps">${rows.map((one) => rowOf(one, about))}</ol>`,
  );
}

/** Its day stands above the list. */
function rowOf({ at, text, fingerprint, service, incident }: Row, about?: string): Html {
  let who: Html | undefined;
  if (fingerprint !== null && fingerprint !== about)
    who = html`<a href="${alertPath(fingerprint)}">${service ?? 'an alert'}</a> `;
  else if (fingerprint === null && incident !== undefined && incident !== null)
    who = html`<a href="${incidentPath(incident)}">${service ?? 'an incident'}</a> `;
  return html`<li><time datetime="${at}">${at.slice(11, 19)}</time><span>${who}${text}</span></li>`;
}
