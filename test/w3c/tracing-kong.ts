import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { startKongsul } from '../support/kongsul-process.ts'
import { waitFor } from '../support/wait-for.ts'

export interface TracingKong {
  readonly kong: KongUnderTest
  close(): Promise<void>
}

/** The Kong of KONG_ADMIN_URL and KONG_PROXY_URL, which has mesh-tracing loaded; else a gateway with a plugin server. */
export async function startTracingKong(): Promise<TracingKong> {
  const { KONG_ADMIN_URL, KONG_PROXY_URL } = process.env
  if (KONG_ADMIN_URL && KONG_PROXY_URL) {
    const kong = await startKongUnderTest()
    return { kong, close: () => kong.close() }
  }
  const folder = mkdtempSync(join(tmpdir(), 'w3c-'))
  const plugins = startKongsul(['plugins', '--socket-dir', folder, '--plugins-port', '0', '--port', 'feed=0'])
  const stop = async () => {
    await plugins.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor(() => /plugins: /.test(plugins.output()), { deadlineMs: 60_000, what: 'the plugin server' })
    const kong = await startKongUnderTest({
      alwaysOwn: true,
      env: {
        KONG_PLUGINS: 'bundled,mesh-tracing',
        KONG_PLUGINSERVER_NAMES: 'mesh-tracing',
        KONG_PLUGINSERVER_MESH_TRACING_SOCKET: join(folder, 'mesh-tracing.sock'),
        KONG_PLUGINSERVER_MESH_TRACING_QUERY_CMD: `cat ${join(folder, 'mesh-tracing.json')}`,
      },
    })
    return { kong, close: () => kong.close().then(stop) }
  } catch (error) {
    await stop()
    throw error
  }
}
