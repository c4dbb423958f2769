import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { tracingPlugin } from '../../../plugins/mesh-tracing/plugin.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import type { HeaderMap } from '../../../plugins/server/form/pdk-calls.ts'

const meshHeaders = createMeshHeaderCodec('token')
const { Plugin } = tracingPlugin({ random: createRandomSource(), meshHeaders })

/** What the plugin sets for a request, and the PDK calls it took. */
async function access(incoming: HeaderMap, config: object): Promise<{ set: HeaderMap; calls: string[] }> {
  const calls: string[] = []
  let set: HeaderMap = {}
  const kong = {
    request: {
      getHeaders: async () => {
        calls.push('getHeaders')
        return incoming
      },
    },
    service: {
      request: {
        setHeaders: async (headers: HeaderMap) => {
          calls.push('setHeaders')
          set = headers
        },
      },
    },
  }
  await new Plugin(config).access!(kong)
  return { set, calls }
}

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const CONFIG = { service_id: 'service-1', __plugin_id: 'p', __seq__: 1 }

test('a trace goes on with a span of its own, with two calls of the PDK', async () => {
  const { set, calls } = await access({ traceparent: [`00-${TRACE}-${PARENT}-01`], host: ['a'] }, CONFIG)
  deepEqual(calls, ['getHeaders', 'setHeaders'])
  const [, trace, span, flags] = String(set['traceparent']).split('-')
  deepEqual([trace, flags], [TRACE, '01'])
  notEqual(span, PARENT)
})

test('service and caller are told under a seal, whatever the client sent', async () => {
  const { set } = await access(
    { traceparent: [`00-${TRACE}-${PARENT}-01`], 'x-mesh-route': ['other/route'], 'x-mesh-span': ['x'] },
    CONFIG,
  )
  deepEqual(meshHeaders.read(String(set['X-Mesh-Route']), String(set['X-Mesh-Span'])), {
    serviceId: 'service-1',
    routeId: null,
    parentSpanId: PARENT,
  })
})

test('on no service of its own the plugin takes off what a client sent for the mesh', async () => {
  const { set } = await access({ 'x-mesh-route': ['other/route'] }, {})
  deepEqual([set['X-Mesh-Route'], set['X-Mesh-Span']], [[], []])
})

test('where tracing is off a trace that begins is not sampled, and one that came is followed', async () => {
  const off = { ...CONFIG, enabled: false, sampling_rate: 1 }
  match(String((await access({}, off)).set['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]$/)
  const followed = await access({ traceparent: [`00-${TRACE}-${PARENT}-01`] }, off)
  equal(String(followed.set['traceparent']).endsWith('-01'), true)
})
