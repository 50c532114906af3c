/** The demonstration's half of Quell's HTTP: webhooks in, read API out. */
export interface DemoIncident {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly toldIn: string | null;
  readonly channel: string | null;
  readonly root: string | null;
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
  /** Undefined when all is well, tokens included; else what to do, in one line. Sends no alert. */
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

/** What somebody can do something about: said in one line, without a stack. */
export class DemoError extends Error {}

/** Quell's HTTP, with what goes wrong in words. */
function createCalls({ url, token, apiToken }: ApiOptions) {
  const bearer = (secret: string | undefined): Record<string, string> =>
    secret === undefined ? {} : { authorization: `Bearer ${secret}` };

  async function ask(path: string, request: RequestInit = {}): Promise<Response> {
    try {
      return await fetch(`${url}${path}`, request);
    } catch (error) {
      // What fetch fails with when it gets no answer.
      if (!(error instanceof TypeError)) throw error;
      throw new DemoError(`No Quell at ${url}: start it with "npm start" in another terminal`);
    }
  }

  async function post(body: unknown): Promise<void> {
    const response = await ask('/v1/ingest/alertmanager', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify(body),
    });
    const answer = (await response.text()).trim();
    if (response.status === 401) throw new DemoError('Alerts want a token here: pass --token');
    if (!response.ok) {
      throw new DemoError(`the webhook was answered ${response.status} ${answer}`);
    }
  }

  // Quell's own answers, described in docs/api.md.
  async function get<T>(path: string): Promise<T> {
    const response = await ask(path, { headers: bearer(apiToken) });
    if (response.status === 401)
      throw new DemoError('The read API wants a token: pass --api-token');
    if (!response.ok) {
      throw new DemoError(`GET ${path}: ${response.status} ${await response.text()}`);
    }
    return (await response.json()) as T;
  }

  return { ask, get, post };
}

export function createApi(options: ApiOptions): Api {
  const { url } = options;
  const { ask, get, post } = createCalls(options);

  async function incidents(run: string): Promise<readonly DemoIncident[]> {
    const match = encodeURIComponent(`demo_run="${run}"`);
    const { items } = await get<{ items: DemoIncident[] }>(`/v1/incidents?match=${match}`);
    return items;
  }

  return {
    incidents,
    async problem() {
      try {
        const ready = await ask('/-/ready');
        if (!ready.ok) {
          return `Quell at ${url} is not ready yet (${await ready.text()}): try again in a moment`;
        }
        await get('/v1/alerts?limit=1');
        await post({ version: '4', status: 'firing', alerts: [] });
        return undefined;
      } catch (error) {
        if (!(error instanceof DemoError)) throw error;
        return error.message;
      }
    },
    send: post,
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
