// What POST /call adds to the same request sent straight to the proxy: within the operator, and with the way to it.
import { type RequestOptions, request } from 'node:http'
import { Caller } from '../../operator/call/caller.ts'
import type { OutcomeWaiters } from '../../operator/call/outcome-waiters.ts'
import { createProxyClient } from '../../operator/call/proxy-client.ts'
import { callRoute } from '../../operator/http/call-route.ts'
import { bareApi } from '../support/bare-api.ts'
import { Mesh } from '../support/mesh.ts'
import { type Part, percentile } from './figure.ts'

const SAMPLES = 500
/** Code that has not run often is slow. */
const WARM_UP = 200

export const call: Part = {
  name: 'call',
  about: 'what call adds to a request, up to the answer of the proxy',
  async run(log) {
    const { straight, within, whole } = await measure()
    const baseline = { what: 'the same request straight to the proxy', value: percentile(straight, 50) }
    const figure = (what: string, took: readonly number[]) => {
      log(`${what}: ${percentile(took, 50).toFixed(2)} ms, straight ${baseline.value.toFixed(2)} ms`)
      return { what, value: percentile(took, 50), unit: 'ms', baseline, maxRatio: 4 }
    }
    return [
      { ...figure('call up to the answer of the proxy, p50', within), goal: baseline.value + 1 },
      figure('the same with the way to the operator and back, p50', whole),
    ]
  },
}

/** One after the other, in turns, so that whatever else the machine does meets all of them. */
async function measure(): Promise<Record<'straight' | 'within' | 'whole', number[]>> {
  const mesh = await Mesh.start()
  const proxy = createProxyClient(mesh.proxyUrl)
  const service = mesh.service('called')
  const caller = new Caller({
    proxy,
    waiters: { begin: () => () => {}, wait: async () => null } as unknown as OutcomeWaiters,
    hostOf: () => `${service}.mesh`,
    instanceAt: () => null,
  })
  const { app } = bareApi({ parts: [callRoute(caller)] })
  try {
    await mesh.startOperator()
    await mesh.deploy(service, 1)
    const api = await app.listen({ host: '127.0.0.1', port: 0 })
    const took = { straight: [] as number[], within: [] as number[], whole: [] as number[] }
    const ways: Record<keyof typeof took, () => Promise<unknown>> = {
      straight: () => send(mesh.proxyUrl, { headers: { host: `${service}.mesh` } }),
      within: () => caller.call({ service_name: service }, new AbortController().signal),
      whole: () =>
        send(`${api}/api/v1/mesh/v2/call`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ service_name: service }),
        }),
    }
    for (let at = 0; at < WARM_UP + SAMPLES; at++) {
      for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
        const before = performance.now()
        await ways[way]()
        if (at >= WARM_UP) took[way].push(performance.now() - before)
      }
    }
    return took
  } finally {
    proxy.close()
    await app.close()
    await mesh.stop()
  }
}

/** Over the connection that Node's own agent keeps. */
const send = (url: string, { body, ...options }: RequestOptions & { readonly body?: string }) =>
  new Promise<void>((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url} answered ${answer.statusCode}`))
      answer.resume().on('end', resolve)
    })
    sent.on('error', reject)
    sent.end(body)
  })
