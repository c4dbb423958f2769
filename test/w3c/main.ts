// `npm run test:w3c -- PATH`: the official W3C trace-context suite against a gateway with mesh-tracing. The suite calls a
// relay through the gateway, and the relay calls the suite back through the gateway.
import { freePorts } from '../support/free-port.ts'
import type { KongUnderTest } from '../support/kong-under-test.ts'
import { waitFor } from '../support/wait-for.ts'
import { startRelay } from './relay.ts'
import { findSuite, runSuite, SuiteError } from './suite.ts'
import { startTracingKong } from './tracing-kong.ts'

const RELAY = 'w3c-relay'
const CALLBACK = 'w3c-callback'

async function main(): Promise<number> {
  const suite = findSuite(process.argv[2], process.env['PYTHON'])
  const [port] = (await freePorts(1)) as [number]
  const { kong, close } = await startTracingKong()
  const proxyUrl = kong.isReal
    ? process.env['KONG_PROXY_URL']!.replace(/\/$/, '')
    : `http://127.0.0.1:${kong.proxyPort}`
  const relay = await startRelay(`${proxyUrl}/${CALLBACK}`)
  try {
    await expose(kong, RELAY, relay.port)
    await expose(kong, CALLBACK, port)
    await waitFor(async () => (await kong.request({ path: `/${CALLBACK}/` })).status !== 404)
    await waitFor(
      async () => {
        const { status, text } = await kong.request({ path: `/${RELAY}/`, method: 'POST', body: 'null' })
        return status === 200 && 'traceparent' in JSON.parse(text)
      },
      { deadlineMs: 120_000, what: 'mesh-tracing on the way to the relay' },
    )
    return await runSuite(suite, { endpoint: `${proxyUrl}/${RELAY}/test`, port })
  } finally {
    await relay.close()
    await close()
  }
}

/** A service at a port of 127.0.0.1 with mesh-tracing, at `/<name>/`. */
async function expose(kong: KongUnderTest, name: string, port: number): Promise<void> {
  const must = async (method: string, path: string, body: object) => {
    const { status, body: answer } = await kong.admin(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(answer)}`)
  }
  await must('PUT', `/services/${name}`, { host: '127.0.0.1', port })
  await must('POST', `/services/${name}/plugins`, { name: 'mesh-tracing' })
  await must('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}/`] })
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof SuiteError)) throw error
  console.error(error.message)
  return 64
})
