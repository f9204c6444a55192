/** What is counted for `/metrics`, with bounds on how many rows there can be. */
export interface Metrics {
  decided(outcome: 'allowed' | 'denied', rule: string): void;
  answered(status: number): void;
  /** From the request of a value to its answer. */
  resolvedIn(ms: number): void;
  text(gauges: readonly Gauge[]): string;
}

export interface Gauge {
  readonly name: string;
  readonly says: string;
  readonly value: number;
  readonly type?: 'counter' | 'gauge';
  readonly labels?: Readonly<Record<string, string>>;
}

const MOST_RULES = 256;
const BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000] as const;

export function makeMetrics(): Metrics {
  const decisions = new Map<string, number>();
  const answers = new Map<number, number>();
  const buckets = BOUNDS_MS.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    decided(outcome, rule) {
      const wanted = `outcome="${outcome}",rule="${escaped(rule)}"`;
      const key =
        decisions.has(wanted) || decisions.size < MOST_RULES ? wanted : `outcome="${outcome}",rule="(others)"`;
      decisions.set(key, (decisions.get(key) ?? 0) + 1);
    },
    answered: (status) => answers.set(status, (answers.get(status) ?? 0) + 1),
    resolvedIn(ms) {
      count += 1;
      sum += ms;
      const at = BOUNDS_MS.findIndex((bound) => ms <= bound);
      if (at >= 0) buckets[at] = (buckets[at] as number) + 1;
    },
    text(gauges) {
      const lines = [
        ...head('hasp_decisions_total', 'Decisions on requests of values, by outcome and rule.', 'counter'),
        ...[...decisions].map(([labels, value]) => `hasp_decisions_total{${labels}} ${value}`),
        ...head('hasp_http_responses_total', 'Answers by status.', 'counter'),
        ...[...answers].map(([status, value]) => `hasp_http_responses_total{status="${status}"} ${value}`),
        ...head('hasp_resolve_seconds', 'From a request of a value to its answer.', 'histogram'),
      ];
      let below = 0;
      for (const [at, bound] of BOUNDS_MS.entries()) {
        below += buckets[at] as number;
        lines.push(`hasp_resolve_seconds_bucket{le="${bound / 1_000}"} ${below}`);
      }
      lines.push(`hasp_resolve_seconds_bucket{le="+Inf"} ${count}`);
      lines.push(`hasp_resolve_seconds_sum ${sum / 1_000}`, `hasp_resolve_seconds_count ${count}`);
      for (const gauge of gauges) lines.push(...gaugeLines(gauge));
      return `${lines.join('\n')}\n`;
    },
  };
}

function gaugeLines({ name, says, value, type = 'gauge', labels = {} }: Gauge): string[] {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return [...head(name, says, type), `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`];
}

function head(name: string, says: string, type: string): string[] {
  return [`# HELP ${name} ${says}`, `# TYPE ${name} ${type}`];
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
