import { expect, test } from 'vitest';
import { parseDelivery, NO_MAPPINGS } from '../../src/ingest/sources.ts';
import { alertsOf, context, oddOf } from './reading.ts';

/** As Grafana documents and sends it. */
function sent(over: object, annotations: object = {}) {
  return {
    status: 'firing',
    labels: { alertname: 'High memory usage', team: 'blue', zone: 'us-1' },
    annotations: { summary: 'Memory of us-1 is full', ...annotations },
    startsAt: '2021-10-12T09:51:03.157076+02:00',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'https://play.grafana.org/alerting/1afz29v7z/edit',
    fingerprint: 'c6eadffa33fcdf37',
    silenceURL: 'https://play.grafana.org/alerting/silence/new?alertmanager=grafana',
    dashboardURL: '',
    panelURL: '',
    values: { B: 44.23943737541908, C: 1 },
    ...over,
  };
}

function parse(...alerts: readonly unknown[]) {
  const body = {
    receiver: 'q',
    status: 'firing',
    orgId: 1,
    alerts,
    version: '1',
    state: 'alerting',
  };
  return parseDelivery(body, context({ source: 'grafana' }), NO_MAPPINGS);
}

function annotationsOf(over: object, annotations: object = {}) {
  return alertsOf(parse(sent(over, annotations)))[0]?.annotations;
}

test('an alert of Grafana is read as one of Alertmanager, with its own dashboard', () => {
  const dashboardURL = 'https://play.grafana.org/d/1';
  const summary = 'Memory of us-1 is full';
  expect(annotationsOf({})).toEqual({ summary });
  expect(annotationsOf({ dashboardURL })).toEqual({ summary, dashboardURL });
  const panelURL = `${dashboardURL}?viewPanel=2`;
  expect(annotationsOf({ dashboardURL, panelURL })).toEqual({ summary, dashboardURL: panelURL });
  const own = { dashboardURL: 'https://ours' };
  expect(annotationsOf({ dashboardURL }, own)).toEqual({ summary, ...own });
  expect(annotationsOf({ dashboardURL: 5, panelURL: null })).toEqual({ summary });
});

const RULE = { datasource_uid: 'prom', ref_id: 'A', rulename: 'Checkout errors' };

test.each([
  [{ alertname: 'DatasourceNoData', ...RULE }, {}, { summary: 'No data for "Checkout errors"' }],
  [
    { alertname: 'DatasourceError', ...RULE },
    { Error: 'failed to execute query A: refused' },
    {
      summary: '"Checkout errors" cannot be evaluated',
      description: 'failed to execute query A: refused',
    },
  ],
  [
    { alertname: 'Checkout errors' },
    { grafana_state_reason: 'NoData' },
    { summary: 'No data for "Checkout errors"' },
  ],
  [
    { alertname: 'Checkout errors' },
    { grafana_state_reason: 'MissingSeries' },
    { summary: 'Memory of us-1 is full' },
  ],
  [{ alertname: 'constructor' }, {}, { summary: 'Memory of us-1 is full' }],
])('%j: what nobody measured is not claimed', (labels, annotations, expected) => {
  expect(annotationsOf({ labels }, annotations)).toMatchObject(expected);
});

test('what is odd in it is set apart, and the others are taken', () => {
  const parsed = parse(5, { labels: 'x' }, sent({ annotations: null }), sent({ annotations: 7 }));
  expect(alertsOf(parsed)).toHaveLength(1);
  expect(oddOf(parsed)).toHaveLength(3);
});
