/** Names of all formats, W3C's baggage among them. */
const NAMES: ReadonlySet<string> = new Set([
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'uber-trace-id',
  'ot-tracer-traceid',
  'ot-tracer-spanid',
  'ot-tracer-sampled',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'x-datadog-tags',
  'x-datadog-origin',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'x-trace-id',
  'x-span-id',
  'x-parent-span-id',
  'x-trace-flags',
  'x-trace-baggage',
])

const PREFIXES = ['uberctx-', 'ot-baggage-']

/** Whether a header, in lower case, belongs to a trace: what a service has to hand on to whom it calls. */
export const isTraceHeader = (name: string): boolean =>
  NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))
