/** Where the links of a message lead: to pages of what it is about, and nowhere else. */
import { expect, test } from 'vitest';
import { alertEvent, MINUTE, SECOND, type Story, tell } from '../support/story.ts';

const LINKS = `
links:
  dashboard: https://grafana.example.com/d/service?var-service={service}
  logs: https://logs.example.com/?service={service}
`;
const SHARED = `
services:
  - { name: web, dependsOn: [bus] }
  - { name: mail, dependsOn: [bus], runbook: 'https://wiki.example.com/mail' }
  - { name: billing, dependsOn: [bus] }
  - { name: bus, runbook: 'https://wiki.example.com/bus' }
`;

/** The links of its last message, as "Dashboard https://…". */
function linksOf(story: Story): readonly string[] {
  const told = story.messages.findLast(({ action }) => action !== 'reply');
  return (told?.text ?? '').split('\n').flatMap((line) => /^▸ (.*)/.exec(line)?.[1] ?? []);
}

test.each([
  ['its host', { instance: 'node-17:9100', job: 'node-exporter' }],
  ['its namespace', { namespace: 'shop' }],
  ['what measures it', { job: 'node-exporter' }],
  ['its own name', {}],
])('where %s stands for the service no link leads to a page of that', (_case, labels) => {
  const story = tell(LINKS);
  story.event(alertEvent({ alertname: 'Odd', severity: 'critical', ...labels }));
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(linksOf(story)).toEqual([]);
});

test('a service that no catalog knows has its pages: labels name it there, too', () => {
  const story = tell(LINKS);
  story.fire('legacy-batch', 'Odd', { severity: 'critical' });
  story.wait(20 * MINUTE);
  expect(linksOf(story)).toEqual([
    'Dashboard https://grafana.example.com/d/service?var-service=legacy-batch',
    'Logs https://logs.example.com/?service=legacy-batch',
  ]);
});

function failTogether(story: Story, labels: Readonly<Record<string, string>> = {}): void {
  const annotations = { runbook_url: 'https://wiki.example.com/errors' };
  for (const service of ['web', 'mail', 'billing']) {
    story.fire(service, 'HighErrorRate', { severity: 'high', labels, annotations });
    story.wait(5 * SECOND);
  }
  story.wait(8 * MINUTE);
}

test('a likely cause that says nothing itself is what the links are about; what alerts keeps its runbook', () => {
  const story = tell(SHARED + LINKS);
  failTogether(story);
  expect(story.last()?.text).toContain('Likely cause: bus');
  expect(linksOf(story)).toEqual([
    'Runbook of bus https://wiki.example.com/bus',
    'Runbook of web: errors https://wiki.example.com/errors',
    'Dashboard https://grafana.example.com/d/service?var-service=bus',
    'Logs https://logs.example.com/?service=bus',
  ]);
});

test('links of a victim say whose they are, where the likely cause is none of ours', () => {
  const story = tell(
    `services: [{ name: web, dependsOn: [a] }, { name: mail, dependsOn: [b] }, { name: billing, dependsOn: [c] }, { name: a }, { name: b }, { name: c }]${LINKS}`,
  );
  failTogether(story, { peer_service: 'api.pay.example' });
  expect(story.last()?.text).toContain('Likely cause: api.pay.example');
  expect(linksOf(story)).toEqual([
    'Runbook of web: errors https://wiki.example.com/errors',
    'Dashboard of web https://grafana.example.com/d/service?var-service=web',
    'Logs https://logs.example.com/?service=web',
  ]);
});
