/**
 * Suggestions for the terminal. Text and patches may be piped into `patch` or `git apply` as they are:
 * both skip what is no patch.
 */
import { figure, minute, verdictOf } from '../rehearse/words.ts';
import { count, list } from '../slack/words.ts';
import { withoutRunbook } from './report.ts';
import type { Suggested, Suggestion } from './suggest.ts';
import type { Survey } from './survey.ts';

const RUNBOOKS_SHOWN = 5;
const SERVICES_SHOWN = 3;

export function renderSuggestions(suggested: Suggested, history: string): string {
  const { suggestions, survey, losing, together } = suggested;
  return [
    headOf(suggested, history),
    ...suggestions.map(inWords),
    ...(together === undefined || suggestions.length < 2
      ? []
      : [`All of them together: ${verdictOf(together)}`]),
    ...losing.map(
      ({ title, lost }) =>
        `Left out, because ${count(lost, 'acknowledged message')} would be lost: ${title}`,
    ),
    ...runbooks(survey),
  ]
    .join('\n\n')
    .concat('\n');
}

function headOf({ survey, suggestions }: Suggested, history: string): string {
  const { from, to, firings, messages, acknowledged, marked } = survey;
  const reactions =
    acknowledged + marked === 0
      ? 'nobody reacted to any, so nothing is concluded from that'
      : `${figure(acknowledged)} acknowledged, ${figure(marked)} marked 🗑️`;
  const found =
    suggestions.length === 0
      ? 'Nothing to suggest.'
      : `${count(suggestions.length, 'suggestion')}:`;
  return `${minute(from)} to ${minute(to)} UTC, ${history}: ${count(firings.length, 'firing')}, ${count(messages, 'message')}; ${reactions}.\n${found}`;
}

function inWords(
  { title, evidence, patch, effect, file, line }: Suggestion,
  index: number,
): string {
  return [
    `${index + 1}. ${title}  (${file}:${line})`,
    ...evidence.map((sentence) => `   ${sentence}`),
    `   Effect: ${verdictOf(effect)}`,
    '',
    // Only its last line break: a line of context may be blank.
    patch.replace(/\n$/, ''),
  ].join('\n');
}

/** Nobody but a person can write a runbook: there is no patch for that. */
function runbooks({ kinds }: Survey): readonly string[] {
  const without = withoutRunbook(kinds);
  if (without.length === 0) return [];
  const lines = without.slice(0, RUNBOOKS_SHOWN).map(({ name, messages, services }) => {
    const names = list([...services.keys()], SERVICES_SHOWN, services.size);
    return `  ${name} of ${names}: ${count(messages, 'message')}`;
  });
  const more = without.length - lines.length;
  const rest = more > 0 ? [`  and ${figure(more)} more`] : [];
  const head =
    'Told without a runbook (add runbook: to the service, or an annotation runbook_url to the alert):';
  return [[head, ...lines, ...rest].join('\n')];
}
