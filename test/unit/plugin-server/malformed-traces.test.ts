// Malformed trace headers through the plugin as Kong calls it: bytes in, bytes out.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tracingPlugin } from '../../../plugins/mesh-tracing/plugin.ts'
import { TraceBudget } from '../../../plugins/mesh-tracing/trace-budget.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import { extract } from '../../../plugins/propagation/extract.ts'
import { combineTracestate } from '../../../plugins/propagation/formats/tracestate.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import { FORMATS, type PropagationConfig } from '../../../plugins/propagation/propagation-config.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { hostOf } from '../../support/plugin-host.ts'
import { anyConfig, anyHeaders } from '../propagation/arbitrary-headers.ts'

const REQUESTS = fuzzCases(10_000)
const SERVICE = 'service-1'

const codec = createMeshHeaderCodec('token-of-the-test')
const PARTS = { random: createRandomSource(), budget: new TraceBudget(0), nowMs: () => 0 }

type Sent = Readonly<Record<string, string | readonly string[]>>

/** What a traceparent of ours looks like, and every other header that has one fixed form. */
const FORMS: Readonly<Record<string, RegExp>> = {
  traceparent: /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/,
  'x-b3-traceid': /^([0-9a-f]{16}){1,2}$/,
  'x-b3-spanid': /^[0-9a-f]{16}$/,
  'x-b3-parentspanid': /^[0-9a-f]{16}$/,
  'x-b3-sampled': /^[01]$/,
  'x-b3-flags': /^1$/,
  'uber-trace-id': /^[0-9a-f]{1,32}:[0-9a-f]{1,16}:[0-9a-f]{1,16}:[0-9a-f]{1,2}$/,
  'ot-tracer-traceid': /^([0-9a-f]{16}){1,2}$/,
  'ot-tracer-spanid': /^[0-9a-f]{16}$/,
  'ot-tracer-sampled': /^(0|1|true|false)$/,
  'x-datadog-trace-id': /^[1-9]\d{0,19}$/,
  'x-datadog-parent-id': /^[1-9]\d{0,19}$/,
  'x-datadog-sampling-priority': /^-?[012]$/,
  'x-amzn-trace-id': /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;|$)/,
  'x-cloud-trace-context': /^[0-9a-f]{32}\/\d{1,20}(;o=[0-3])?$/,
  'x-trace-id': /^[0-9a-f]{32}$/,
  'x-span-id': /^[0-9a-f]{16}$/,
}

function checkSent(sent: Sent): void {
  const route = { serviceId: SERVICE, routeId: null }
  const { 'X-Mesh-Route': meshRoute, 'X-Mesh-Span': meshSpan, ...headers } = sent
  const { serviceId, routeId } = codec.read(String(meshRoute), String(meshSpan))!
  deepEqual({ serviceId, routeId }, route)
  const set: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') {
      deepEqual(value, [], `${name} is taken off`)
      continue
    }
    match(value, /^[\x20-\x7e]*$/, name)
    if (FORMS[name] !== undefined) match(value, FORMS[name], name)
    if (name === 'tracestate') equal(combineTracestate([value]), value)
    set[name] = value
  }
  // Whatever was written can be read by whoever comes next.
  if (Object.keys(set).some((name) => FORMS[name] !== undefined))
    ok(extract(set, { extract: FORMATS }) !== null)
}

const config = fc.oneof(fc.constant({}), anyConfig)

test(`${REQUESTS} malformed traces: two calls each, an answer at once, and nothing malformed goes on`, async () => {
  const { host, connect } = hostOf(tracingPlugin({ ...PARTS, meshHeaders: codec }))
  const kong = connect()
  const start = async (given: object): Promise<number> => {
    const Config = JSON.stringify({ ...entityOf(given), service_id: SERVICE, __seq__: 1 })
    return (await kong.ask('StartInstance', { Name: 'mesh-tracing', Config })).result.Id
  }
  const defaults = await start({})
  const cpu = process.cpuUsage()
  await fc.assert(
    fc.asyncProperty(anyHeaders, config, async (headers, given) => {
      const InstanceId = Object.keys(given).length === 0 ? defaults : await start(given)
      const asked = (await kong.ask('HandleEvent', { InstanceId, EventName: 'access' })).result
      equal(asked.Data.Method, 'kong.request.get_headers')
      const Data = Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => name !== '__proto__') // readers of MessagePack refuse the name
          .map(([name, value]) => [name, typeof value === 'string' ? [value] : value]),
      )
      const set = await kong.ask('StepMultiMap', { EventId: asked.EventId, Data })
      equal(set.error, null)
      equal(set.result.Data.Method, 'kong.service.request.set_headers')
      checkSent(set.result.Data.Args[0])
      equal((await kong.ask('Step', { EventId: asked.EventId })).result.Data, 'ret')
    }),
    { numRuns: REQUESTS },
  )
  const { user, system } = process.cpuUsage(cpu)
  equal(host.events.size, 0)
  // Of the whole loop, with making the headers up; a pattern that backtracks takes seconds for one.
  ok((user + system) / REQUESTS < 20_000, `${(user + system) / REQUESTS} us a request`)
})

/** A propagation configuration as Kong's plugin entity has it. */
function entityOf(given: Partial<PropagationConfig>): object {
  const { samplingRate, extract: from, inject, clear, defaultFormat } = given
  if (from === undefined) return {}
  return {
    enabled: true,
    sampling_rate: samplingRate,
    propagation: { extract: from, inject, clear, default_format: defaultFormat },
  }
}
