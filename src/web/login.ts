/**
 * The login form: a browser user shows an API token once, and the browser keeps it in a strict cookie.
 *
 * The cookie holds the token itself. So nothing has to be remembered here, every instance understands
 * it, and a token that is taken out of service logs out at once. It is for this site only, and out of
 * reach of scripts, of which there are none.
 */
import express, { type Express, type Request, type Response } from 'express';
import type { AuthFailure } from '../telemetry/metrics.ts';
import { COOKIES, type Guard } from './guard.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';

interface LoginDeps {
  readonly guard: Guard;
  readonly sendPage: (response: Response, page: string) => void;
}

const COOKIE_S = 12 * 60 * 60;
const FORM_MAX = 4_096;

/** Routes that are open, because one logs in there. */
export function addLogin(app: Express, { guard, sendPage }: LoginDeps): void {
  if (!guard.asksForTokens) return;
  const form = express.urlencoded({ extended: false, limit: FORM_MAX });
  app.get('/login', (request, response) => {
    const next: unknown = request.query['next'];
    sendPage(response, loginPage(placeOf(next), undefined, guard.hasCookie(request)));
  });
  app.post('/login', form, (request, response) => {
    const { token, next } = fieldsOf(request);
    const place = placeOf(next);
    const reason = guard.isFromElsewhere(request)
      ? 'web-page'
      : guard.isToken(token)
        ? undefined
        : 'wrong-credentials';
    if (reason === undefined) {
      setCookie(response, guard.isEncrypted(request), token);
      response.redirect(303, place);
      return;
    }
    guard.refused(request, reason);
    const problem =
      reason === 'web-page'
        ? 'The form was sent from another site. Please send it from here.'
        : 'This token is not known.';
    sendPage(response.status(403), loginPage(place, problem, false));
  });
  app.post('/logout', (request, response) => {
    if (!guard.isFromElsewhere(request)) clearCookies(response);
    response.redirect(303, '/login');
  });
}

/** What a person gets who showed no token, or one that is not known. */
export function askForToken(
  request: Request,
  response: Response,
  reason: AuthFailure,
  deps: LoginDeps,
): void {
  const wantsPage = request.accepts(['json', 'html']) === 'html';
  if (!wantsPage || !deps.guard.asksForTokens) {
    response.status(401).set('WWW-Authenticate', 'Basic realm="quell", charset="UTF-8"');
    const error =
      reason === 'wrong-credentials'
        ? 'this token is none of QUELL_API_TOKEN'
        : 'a token of QUELL_API_TOKEN is needed, as bearer or as password';
    response.json({ error });
    return;
  }
  if (request.get('sec-fetch-site') === 'cross-site' && request.method === 'GET') {
    // A link in another site, as Slack is: the browser keeps a strict cookie back until it comes
    // from a page of this one.
    deps.sendPage(response, hopPage());
    return;
  }
  response.status(401).set('WWW-Authenticate', 'Bearer realm="quell"');
  deps.sendPage(response, loginPage(placeOf(request.originalUrl), undefined, false));
}

function fieldsOf(request: Request): { readonly token: string; readonly next: unknown } {
  const { body } = request as { body?: unknown };
  if (typeof body !== 'object' || body === null) return { token: '', next: undefined };
  const fields = body as Readonly<Record<string, unknown>>;
  const token = fields['token'];
  return { token: typeof token === 'string' ? token.trim() : '', next: fields['next'] };
}

const HERE = 'http://quell.invalid';

/** Where to go afterwards: a place here, never another site. */
function placeOf(next: unknown): string {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, HERE)) return '/';
  const url = new URL(next, HERE);
  if (url.origin !== HERE || url.pathname === '/login' || url.pathname.startsWith('//')) return '/';
  return `${url.pathname}${url.search}`;
}

function setCookie(response: Response, isEncrypted: boolean, token: string): void {
  const [strict, plain] = COOKIES;
  const name = isEncrypted ? strict : plain;
  const value = Buffer.from(token).toString('base64url');
  const secure = isEncrypted ? '; Secure' : '';
  response.set(
    'Set-Cookie',
    `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_S}${secure}`,
  );
}

function clearCookies(response: Response): void {
  const gone = 'Path=/; HttpOnly; SameSite=Strict; Max-Age=0';
  response.set(
    'Set-Cookie',
    COOKIES.map((name) => `${name}=; ${gone}${name.startsWith('__Host-') ? '; Secure' : ''}`),
  );
}

function loginPage(next: string, problem: string | undefined, isInside: boolean): string {
  const notice = problem === undefined ? undefined : html`<p class="notice">${problem}</p>`;
  return layout('Log in - Quell', undefined, [
    html`<header><b><a href="/">Quell</a></b><span>one Slack message per incident</span></header>`,
    html`<main>${notice}<h1>Log in</h1>${formOf(next)}
<p class="soft">The token is one of QUELL_API_TOKEN: whoever runs this Quell has it. The browser keeps it for 12 hours.</p>
${isInside ? LOG_OUT : undefined}</main>`,
  ]);
}

const LOG_OUT = html`<form class="aside" method="post" action="/logout"><button>Log out</button></form>`;

function formOf(next: string): Html {
  return html`<form method="post" action="/login">
<input type="hidden" name="next" value="${next}">
<input type="text" name="user" value="quell" autocomplete="username" hidden>
<label for="token">API token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button></form>`;
}

function hopPage(): string {
  return layout('Quell', 0, [html`<main><p class="quiet">One moment.</p></main>`]);
}
