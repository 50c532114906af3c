/**
 * A comparison as one file of HTML, to attach to a change of rules: no script, nothing from elsewhere,
 * and everything that an alert says is escaped by `html`.
 */
import { hash } from 'node:crypto';
import { duration } from '../rules/duration.ts';
import { count } from '../slack/words.ts';
import { type Html, html } from '../web/html.ts';
import { STYLE } from '../web/style.ts';
import type { Change } from './change.ts';
import type { Comparison, Fates, Figure } from './compare.ts';
import {
  changeInWords,
  type Describe,
  difference,
  effectInWords,
  figure,
  minute,
  opinionInWords,
  verdictOf,
} from './words.ts';

interface Titles {
  readonly now: string;
  readonly tried: string;
  readonly history: string;
}

const CHANGES_SHOWN = 1_000;
const SERVICES_SHOWN = 15;
const BAR_WIDTH = 220;

const OWN_STYLE = `${STYLE}
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); border-radius: 8px; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .75rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
tr:first-child > * { border-top: 0; } th { color: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.at { white-space: nowrap; color: var(--soft); } tr.lost td { color: var(--critical); }
svg .now { fill: var(--none); } svg .tried { fill: var(--link); } code { font-size: .85rem; overflow-wrap: anywhere; }
td:first-child { min-width: 7.5rem; overflow-wrap: anywhere; }
.verdict { font-size: 1.1rem; } main { padding-bottom: 3rem; }
@media (max-width: 36rem) {
  table { font-size: .8rem; } th, td { padding: .3rem .35rem; } th.n { white-space: normal; overflow-wrap: normal; } .bar { display: none; }
  .changes tr:first-child { display: none; } .changes tr { display: block; border-top: 1px solid var(--line); padding: .3rem 0; } .changes td { display: block; border: 0; padding: 0 .4rem; }
}
`;
const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', OWN_STYLE, 'base64')}'; img-src data:; base-uri 'none'; form-action 'none'`;

export function renderPage(comparison: Comparison, describe: Describe, titles: Titles): string {
  const title = `Rehearsal: ${titles.tried} against ${titles.now}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${{ html: POLICY }}">
<title>${title}</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><style>${{ html: OWN_STYLE }}</style></head>
<body><header><b>Quell</b><span>rehearsal of a change of rules</span></header>
<main><h1>${titles.tried} against ${titles.now}</h1>
<p class="verdict">${verdictOf(comparison)}</p>
<p class="soft">${spanOf(comparison)} Decided again from ${titles.history}.</p>
${judgement(comparison)}
<h2>Messages</h2>${figuresTable([{ name: 'all messages', ...comparison.messages }, { name: 'incidents told', ...comparison.told }, ...comparison.byChannel])}
<h2>Entries that make the difference</h2>${effectsTable(comparison, describe)}
<h2>Messages by likely cause</h2>${figuresTable(comparison.byService.slice(0, SERVICES_SHOWN))}
<h2>Every message that would be different</h2>${changesTable(comparison.changes)}
</main></body></html>
`.html;
}

function spanOf({ from, to, deliveries, alerts, firings }: Comparison): string {
  const counts = `${figure(alerts)} alerts in ${figure(deliveries)} deliveries, ${figure(firings)} firings`;
  if (from === undefined || to === undefined) return `${counts}.`;
  return `${minute(from)} to ${minute(to)} UTC: ${counts}.`;
}

function judgement({ fates }: Comparison): Html {
  const rows = [
    ['that people acknowledged (👀 ✅)', fates.acknowledged],
    ['that people marked 🗑️', fates['not-actionable']],
    ['that nobody reacted to', fates.untouched],
  ] as const;
  return html`<table><tr><th>messages</th><th class="n">now</th><th class="n">not told</th><th class="n">digest only</th><th class="n">later</th><th class="n">at most by</th></tr>
${rows.map(([name, one]) => fatesRow(name, one, one === fates.acknowledged))}</table>`;
}

function fatesRow(name: string, fates: Fates, isDear: boolean): Html {
  const { messages, hidden, digest, later, laterMaxMs } = fates;
  const by = laterMaxMs === 0 ? '' : duration(laterMaxMs);
  const lost = isDear && hidden + digest > 0 ? 'lost' : '';
  return html`<tr class="${lost}"><td>${name}</td><td class="n">${figure(messages)}</td><td class="n">${figure(hidden)}</td><td class="n">${figure(digest)}</td><td class="n">${figure(later)}</td><td class="n">${by}</td></tr>`;
}

function figuresTable(figures: readonly Figure[]): Html {
  const most = Math.max(1, ...figures.flatMap(({ now, tried }) => [now, tried]));
  return html`<table><tr><th></th><th class="n">now</th><th class="n">new</th><th class="n"></th><th class="bar"></th></tr>
${figures.map((one) => figureRow(one, most))}</table>`;
}

function figureRow({ name, now, tried }: Figure, most: number): Html {
  const width = (number: number) => Math.round((number / most) * BAR_WIDTH);
  return html`<tr><td>${name}</td><td class="n">${figure(now)}</td><td class="n">${figure(tried)}</td><td class="n">${difference(now, tried)}</td>
<td class="bar"><svg width="${BAR_WIDTH}" height="14" role="img" aria-label="${figure(now)} now, ${figure(tried)} new"><rect class="now" width="${width(now)}" height="6"></rect><rect class="tried" y="7" width="${width(tried)}" height="6"></rect></svg></td></tr>`;
}

function effectsTable({ effects }: Comparison, describe: Describe): Html {
  if (effects.length === 0) return html`<p class="quiet">No single entry can be named.</p>`;
  return html`<table><tr><th>entry</th><th>effect</th></tr>${effects.map((effect) => {
    const gone = effect.in === 'now' ? ' (as it is now)' : '';
    return html`<tr><td>${effect.rule}${gone} <code>${describe(effect) ?? ''}</code></td><td>${effectInWords(effect)}</td></tr>`;
  })}</table>`;
}

function changesTable(changes: readonly Change[]): Html {
  if (changes.length === 0) return html`<p class="quiet">None.</p>`;
  const more = changes.length - CHANGES_SHOWN;
  return html`<table class="changes"><tr><th>when (UTC)</th><th>what</th><th>would be</th><th>by</th></tr>
${changes.slice(0, CHANGES_SHOWN).map(changeRow)}</table>${more > 0 ? html`<p class="soft">and ${figure(more)} more; all are in the output of --json</p>` : undefined}`;
}

function changeRow(change: Change): Html {
  const { fate, opinion, at, alerts, service, firings, rule, incident } = change;
  const isLost = opinion === 'acknowledged' && (fate === 'hidden' || fate === 'digest');
  const said = opinionInWords(opinion);
  return html`<tr class="${isLost ? 'lost' : ''}"><td class="at">${minute(at)}</td><td>${alerts.join(', ')} of <b>${service}</b> <span class="soft">${incident}, ${count(firings, 'firing')}${said === '' ? '' : `, ${said}`}</span></td><td>${changeInWords(change)}</td><td class="at">${rule}</td></tr>`;
}
