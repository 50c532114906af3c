/** The demonstration's half of Quell's HTTP: webhooks in, read API out. */
export interface DemoIncident {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly toldIn: string | null;
  readonly channel: string | null;
  readonly root: string | null;
  readonly alerts: { readonly total: number; readonly firing: number };
}

export interface DemoAlertShown {
  readonly fingerprint: string;
  readonly name: string;
  readonly service: string;
  readonly episodes: number;
  readonly flapping: boolean;
  readonly incident: string | null;
}

export interface Api {
  /** Undefined when all is well; else what to do, in one line. */
  problem(): Promise<string | undefined>;
  send(body: unknown): Promise<void>;
  incidents(run: string): Promise<readonly DemoIncident[]>;
  alerts(run: string): Promise<readonly DemoAlertShown[]>;
  /** How things stand with an alert, in sentences. */
  explain(fingerprint: string): Promise<readonly string[]>;
  /** The message of each incident that was told in one, as it would stand in Slack now. */
  messages(run: string): Promise<readonly string[]>;
}

export interface ApiOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly apiToken: string | undefined;
}

export function createApi({ url, token, apiToken }: ApiOptions): Api {
  const bearer = (secret: string | undefined): Record<string, string> =>
    secret === undefined ? {} : { authorization: `Bearer ${secret}` };

  // Quell's own answers, described in docs/api.md.
  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${url}${path}`, { headers: bearer(apiToken) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async function incidents(run: string): Promise<readonly DemoIncident[]> {
    const match = encodeURIComponent(`demo_run="${run}"`);
    const { items } = await get<{ items: DemoIncident[] }>(`/v1/incidents?match=${match}`);
    return items;
  }

  return {
    incidents,
    async problem() {
      try {
        const response = await fetch(`${url}/-/ready`);
        if (response.ok) return undefined;
        return `Quell at ${url} is not ready yet (${await response.text()}): try again in a moment`;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return `No Quell at ${url}: start it with "npm start" in another terminal`;
      }
    },
    async send(body) {
      const response = await fetch(`${url}/v1/ingest/alertmanager`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...bearer(token) },
        body: JSON.stringify(body),
      });
      const answer = await response.text();
      if (response.status === 401) throw new Error(`${answer.trim()}: pass --token`);
      if (!response.ok) throw new Error(`the webhook was answered ${response.status} ${answer}`);
    },
    async alerts(run) {
      const match = encodeURIComponent(`demo_run="${run}"`);
      const { items } = await get<{ items: DemoAlertShown[] }>(
        `/v1/alerts?limit=1000&match=${match}`,
      );
      return items;
    },
    async explain(fingerprint) {
      const { summary } = await get<{ summary: string[] }>(`/v1/alerts/${fingerprint}/explain`);
      return summary;
    },
    async messages(run) {
      const told = (await incidents(run)).filter(({ toldIn }) => toldIn === 'message');
      return Promise.all(
        told.map(async ({ id, channel }) => {
          const { text } = await get<{ text: string | null }>(`/v1/incidents/${id}`);
          return `${channel ?? ''}\n${text ?? ''}`;
        }),
      );
    },
  };
}
