/** An entry of a rules file by its place, on one line. */
import { expect, test } from 'vitest';
import { entryText } from '../../src/rules/files/entry.ts';

const FILE = {
  name: 'all.yaml',
  text: `hold:
  - match: ['alertname="HighCpu"'] # a comment
    for: 10m
    why: The autoscaler is slow.
  - for: 2m
services:
  - name: web
    dependsOn: [store]
route:
  channel: '#alerts'
  routes:
    - match: ['tier="1"']
      routes:
        - match: ['service="web"']
          channel: '#web'
`,
};

test.each([
  ['all.yaml:2', `hold {match: [alertname="HighCpu"], for: 10m}`],
  ['all.yaml:5', 'hold {for: 2m}'],
  ['all.yaml:7', 'services {name: web, dependsOn: [store]}'],
  ['all.yaml:10', "route {channel: '#alerts'}"],
  ['all.yaml:12', 'route {match: [tier="1"]}'],
  ['all.yaml:14', `route {match: [service="web"], channel: '#web'}`],
  ['all.yaml:3', undefined],
  ['other.yaml:2', undefined],
  ['built-in', undefined],
])('%s is %j', (ref, text) => {
  expect(entryText([FILE], ref)).toBe(text);
});
