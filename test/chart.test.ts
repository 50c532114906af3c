/**
 * The Helm chart says what Quell knows: settings, version, values that its templates use. Where helm is
 * installed it is rendered as well, and what cannot work is refused.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../src/config/sources.ts';
import { filesUnder } from './support/project-files.ts';

const CHART = 'deploy/helm/quell';
const values = readFileSync(`${CHART}/values.yaml`, 'utf8');
const templates = filesUnder(`${CHART}/templates`, '');
const everything = [values, ...templates.map((path) => readFileSync(path, 'utf8'))].join('\n');

const hasHelm = spawnSync('helm', ['version']).status === 0;
if (!hasHelm) process.stdout.write('not run: the chart is not rendered, helm is not installed\n');

test('the chart has the version of the package', () => {
  const Chart = z.object({ version: z.string(), appVersion: z.string() });
  const Package = z.object({ version: z.string() });
  const { version } = Package.parse(JSON.parse(readFileSync('package.json', 'utf8')));
  expect(Chart.parse(parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')))).toEqual({
    version,
    appVersion: version,
  });
});

test('the settings that it names exist', () => {
  const known = new Set<string>(Object.values(SETTINGS));
  const named = everything.match(/\b(?:QUELL|SLACK)_[A-Z_]+\b/g) ?? [];
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(5);
});

test('templates use the values that there are, and all of them', () => {
  const given = z.record(z.string(), z.unknown()).parse(parse(values));
  const used = new Set([...everything.matchAll(/\.Values\.(\w+)/g)].map(([, name = '']) => name));
  expect([...used].sort()).toEqual(Object.keys(given).sort());
});

const Rendered = z.looseObject({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.looseObject({}).optional(),
});

function render(...set: readonly string[]): string {
  const { stdout, stderr } = spawnSync('helm', [
    'template',
    'quell',
    CHART,
    '--set',
    set.join(','),
  ]);
  return `${stdout.toString()}${stderr.toString()}`;
}

function kindsOf(text: string): readonly string[] {
  return parseAllDocuments(text)
    .map((document) => {
      expect(document.errors).toEqual([]);
      return Rendered.parse(document.toJS());
    })
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort();
}

const GIVEN = ['image.repository=registry.example.com/quell', 'existingSecret=quell'];

test.skipIf(!hasHelm)('by itself it is one pod with a volume', () => {
  expect(kindsOf(render(...GIVEN))).toEqual([
    'ConfigMap quell-rules',
    'Service quell',
    'StatefulSet quell',
  ]);
});

test.skipIf(!hasHelm)('with Redis it is several pods, and with everything it is valid YAML', () => {
  const text = render(
    ...GIVEN,
    'redis=true',
    'replicas=3',
    'existingRules=mine',
    'settings.QUELL_RETENTION=30d',
    'podAnnotations.a=b',
    'nodeSelector.disk=ssd',
    'imagePullSecrets[0].name=pull',
    'ingress.enabled=true,ingress.host=quell.example.com,ingress.tlsSecret=tls,ingress.className=nginx',
    'serviceMonitor.enabled=true',
  );
  expect(kindsOf(text)).toEqual([
    'Deployment quell',
    'Ingress quell',
    'PodDisruptionBudget quell',
    'Service quell',
    'ServiceMonitor quell',
  ]);
});

test.skipIf(!hasHelm).each([
  ['image.repository is missing', ['existingSecret=quell']],
  ['existingSecret is missing', ['image.repository=registry.example.com/quell']],
  ['replicas other than 1 need redis', [...GIVEN, 'replicas=2']],
  ['ingress.host is missing', [...GIVEN, 'ingress.enabled=true']],
  ['Helm would delete it: call yours otherwise', [...GIVEN, 'existingRules=quell-rules']],
])('what cannot work is refused: %s', (sentence, set) => {
  expect(render(...set)).toContain(sentence);
});
