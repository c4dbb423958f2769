import ConsulClient from 'consul'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { connectionAgent } from './connection-agent.ts'
import { consulError } from './consul-error.ts'
import { withToken } from './with-token.ts'

export interface EntryWriter {
  /**
   * Writes a configuration entry if it has not changed since it was read.
   * @param index ModifyIndex of what was read; 0: only if there is none
   * @returns false when it has
   * @throws ConsulError
   */
  write(entry: Readonly<Record<string, unknown>>, index: number): Promise<boolean>
  /**
   * Removes a configuration entry if it has not changed since it was read. Consul before 1.11 does not compare: there it
   * is removed whatever it holds.
   * @returns false when it has changed
   * @throws ConsulError
   */
  remove(kind: string, name: string, index: number): Promise<boolean>
  close(): void
}

const TIMEOUT_MS = 5_000

/** Writes Consul's configuration entries through the `consul` package. */
export function createEntryWriter(config: ConsulConfig, metrics: Metrics): EntryWriter {
  const agent = connectionAgent(config.url, config.tls)
  const options = { baseUrl: `${config.url.replace(/\/+$/, '')}/v1`, agent }
  const consul = withToken<Papi>(
    new ConsulClient(options as unknown as ConstructorParameters<typeof ConsulClient>[0]),
    config.token,
  )
  async function call(
    endpoint: string,
    what: string,
    index: number,
    ask: (common: object) => Promise<Answered>,
  ): Promise<unknown> {
    metrics.consulRequests.inc({ endpoint })
    try {
      const { body } = await ask({
        name: endpoint,
        timeout: TIMEOUT_MS,
        query: {
          cas: String(index),
          ...(config.datacenter === undefined ? {} : { dc: config.datacenter }),
        },
      })
      return body
    } catch (error) {
      metrics.consulErrors.inc({ endpoint })
      throw consulError(`${endpoint} ${what}`, error)
    }
  }
  return {
    write: async (entry, index) => {
      const what = `${String(entry['Kind'])}/${String(entry['Name'])}`
      const body = await call('config.set', what, index, (common) =>
        consul._put({ ...common, path: '/config', type: 'json', body: entry }),
      )
      return body === true
    },
    remove: async (kind, name, index) => {
      const path = `/config/${kind}/${encodeURIComponent(name)}`
      const body = await call('config.delete', `${kind}/${name}`, index, (common) =>
        consul._delete({ ...common, path }),
      )
      // Before 1.11 an empty object; `false` is handed over as undefined, as in kv-writer.ts.
      return body !== undefined && body !== false
    },
    close: () => agent.destroy(),
  }
}

interface Answered {
  readonly body?: unknown
}

/** The part of the package we call; it has no method for entries. */
interface Papi {
  _put(request: object): Promise<Answered>
  _delete(request: object): Promise<Answered>
}
