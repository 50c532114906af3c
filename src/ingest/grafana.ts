/**
 * Grafana's webhook: Alertmanager's, with more beside labels and annotations.
 *
 * Where a rule finds no data, or cannot be evaluated, Grafana sends the rule's own summary all the same, which
 * claims what nobody measured. Then what is known takes its place: that there is no data, and of which rule.
 */
import type { Labels } from '../model.ts';
import { parseAlertmanager } from './alertmanager.ts';
import { type DeliveryContext, isObject, type JsonObject, type Parsed } from './parsed.ts';

export function parseGrafana(body: unknown, context: DeliveryContext): Parsed {
  if (!isObject(body) || !Array.isArray(body['alerts'])) return parseAlertmanager(body, context);
  const alerts = body['alerts'].map((alert: unknown) => (isObject(alert) ? told(alert) : alert));
  return parseAlertmanager({ ...body, alerts }, context);
}

function told(alert: JsonObject): JsonObject {
  const { annotations = {}, labels, panelURL, dashboardURL } = alert;
  if (!isObject(annotations) || !isObject(labels)) return alert;
  const dashboard = panelURL === '' ? dashboardURL : (panelURL ?? dashboardURL);
  const hasOwn = typeof dashboard !== 'string' || dashboard === '' || 'dashboardURL' in annotations;
  const unknown = whatIsUnknown(labels, annotations);
  if (hasOwn && unknown === undefined) return alert;
  const linked = hasOwn ? annotations : { ...annotations, dashboardURL: dashboard };
  return { ...alert, annotations: { ...linked, ...unknown } };
}

const REASONS: Readonly<Record<string, string>> = {
  DatasourceNoData: 'NoData',
  DatasourceError: 'Error',
};

/** Of what Grafana calls a state by itself, by the alert's name or by an annotation. */
function whatIsUnknown(labels: JsonObject, annotations: JsonObject): Labels | undefined {
  const { alertname, rulename = alertname } = labels;
  const { grafana_state_reason: stated, Error: error } = annotations;
  if (typeof alertname !== 'string' || typeof rulename !== 'string') return undefined;
  const reason = Object.hasOwn(REASONS, alertname) ? REASONS[alertname] : stated;
  if (reason === 'NoData') return { summary: `No data for "${rulename}"` };
  if (reason !== 'Error') return undefined;
  const summary = `"${rulename}" cannot be evaluated`;
  return typeof error === 'string' && error !== '' ? { summary, description: error } : { summary };
}
