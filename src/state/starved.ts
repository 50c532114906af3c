/**
 * Alerts that say that too few requests come in. A failure travels from a service to its callers; this one travels
 * the other way, because a failing caller asks for less. No source says what an alert measures, so it is known by
 * the words of its name.
 */
import { remember } from '../rules/remember.ts';

const NAMES_MAX = 10_000;

/** What comes in. */
const FLOW = words('request requests traffic throughput rps qps tps rpm');
/** Too little of it. */
const LITTLE = words(
  'low lower few fewer no none zero missing absent below less decrease decreased',
);
/** Of requests that are dropped a service says what it does, of a rate what it gets. */
const DROP = words('drop drops');
const RATES = words('rate traffic throughput rps qps tps rpm');
/** Then it is something else of the requests that is low, or what a container asks of its node. */
const OTHERWISE = words(
  `error errors success successful succeeded failed failure failures fail latency duration time availability available
   hit hits miss cache ratio healthy not cpu memory quota resource resources`,
);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** By an alert's name, in any of the usual spellings: `RequestRateLow`, `no_traffic`, `Low RPS`. */
export const saysTooFewCome: (name: string) => boolean = remember(NAMES_MAX, (name) => {
  const said = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  const has = (some: ReadonlySet<string>): boolean => said.some((word) => some.has(word));
  return has(FLOW) && (has(LITTLE) || (has(DROP) && has(RATES))) && !has(OTHERWISE);
});
