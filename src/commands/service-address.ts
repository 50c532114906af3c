/** The running service that a command asks: where it is, and the token that is shown to it. */
import { clearApiToken } from '../config/access.ts';
import { openSources } from '../config/sources.ts';
import { misuse } from '../errors.ts';
import type { Service } from './ask.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** `url` as it was given; undefined: on this machine. Throws an AppError for one that cannot be asked, without its password. */
export function serviceAddress(url: string | undefined, env: Env): Service {
  const places = openSources({ flags: {}, env, file: undefined });
  const port = places.find('port');
  const apiToken = places.find('apiToken');
  const number = port.kind === 'found' ? (port.value ?? '8080') : '8080';
  const base = (url ?? `http://localhost:${number}`).replace(/\/+$/, '');
  const read = URL.canParse(base) ? new URL(base) : undefined;
  if (read?.protocol !== 'http:' && read?.protocol !== 'https:')
    throw misuse('--url is an address like https://quell.example.com');
  if (read.username !== '' || read.password !== '')
    throw misuse('--url must have no user and password in it: set QUELL_API_TOKEN');
  return { base, token: apiToken.kind === 'found' ? clearApiToken(apiToken.value) : undefined };
}
