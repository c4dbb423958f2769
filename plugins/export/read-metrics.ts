import { Counter, Gauge, type Registry } from 'prom-client'

type Samples = (add: (value: number, labels?: Readonly<Record<string, string>>) => void) => void

/** Registers a metric that is read off its source when somebody asks; a counter where the name ends in `_total`. */
export function readMetric(
  registry: Registry,
  name: string,
  labelNames: string[],
  help: string,
  samples: Samples,
): void {
  const Kind = name.endsWith('_total') ? Counter : Gauge
  new Kind({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      samples((value, labels = {}) => this.inc(labels, value))
    },
  })
}
