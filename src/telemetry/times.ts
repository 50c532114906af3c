/**
 * How long things took: histograms in plain numbers, which become text when they are asked for.
 *
 * prom-client would check and hash the labels at every observation, of which each delivery makes two: that
 * is as much as to decide a repeat.
 */

export interface Times {
  observe(seconds: number): void;
}

export interface TimesAbout {
  readonly name: string;
  readonly help: string;
  /** Upper bounds in seconds, smallest first. */
  readonly bounds: readonly number[];
  /** Undefined: there is one of them, shown from the start. */
  readonly labelName: string | undefined;
}

export interface Histogram {
  /** The times with a value of the label, which is one of a closed set. */
  of(label: string): Times;
  /** In Prometheus' text format. */
  text(): string;
}

interface Observed extends Times {
  /** How many were within each bound and not within the one before; the last: within none. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export function createHistogram({ name, help, bounds, labelName }: TimesAbout): Histogram {
  const children = new Map<string, Observed>();
  const of = (label: string): Observed => {
    const known = children.get(label);
    if (known !== undefined) return known;
    const observed = createObserved(bounds);
    children.set(label, observed);
    return observed;
  };
  if (labelName === undefined) of('');
  return {
    of,
    text() {
      const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
      for (const [label, { counts, sum }] of children) {
        const own = labelName === undefined ? '' : `${labelName}="${label}"`;
        let count = 0;
        for (const [index, within] of counts.entries()) {
          count += within;
          const le = `le="${bounds[index] ?? '+Inf'}"${own === '' ? '' : `,${own}`}`;
          lines.push(`${name}_bucket{${le}} ${count}`);
        }
        const labels = own === '' ? '' : `{${own}}`;
        lines.push(`${name}_sum${labels} ${sum}`, `${name}_count${labels} ${count}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

function createObserved(bounds: readonly number[]): Observed {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  return {
    counts,
    get sum() {
      return sum;
    },
    observe(seconds) {
      let index = 0;
      while (index < bounds.length && seconds > (bounds[index] ?? 0)) index++;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += seconds;
    },
  };
}
