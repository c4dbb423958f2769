import ConsulClient from 'consul'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { revealed } from '../telemetry/secret.ts'
import { connectionAgent } from './connection-agent.ts'
import { consulError } from './consul-error.ts'

export interface EntryWriter {
  /**
   * Writes a configuration entry if it has not changed since it was read.
   * @param index ModifyIndex of what was read
   * @returns false when it has
   * @throws ConsulError
   */
  write(entry: Readonly<Record<string, unknown>>, index: number): Promise<boolean>
  close(): void
}

const TIMEOUT_MS = 5_000

/** Writes Consul's configuration entries through the `consul` package. */
export function createEntryWriter(config: ConsulConfig, metrics: Metrics): EntryWriter {
  const agent = connectionAgent(config.url, config.tls)
  const token = revealed(config.token)
  const options = { baseUrl: `${config.url.replace(/\/+$/, '')}/v1`, agent }
  const consul = new ConsulClient(
    options as unknown as ConstructorParameters<typeof ConsulClient>[0],
  ) as unknown as Papi
  return {
    write: async (entry, index) => {
      const endpoint = 'config.set'
      metrics.consulRequests.inc({ endpoint })
      try {
        const { body } = await consul._put({
          name: endpoint,
          path: '/config',
          timeout: TIMEOUT_MS,
          query: {
            cas: String(index),
            ...(config.datacenter === undefined ? {} : { dc: config.datacenter }),
          },
          headers: token === undefined ? {} : { 'x-consul-token': token },
          type: 'json',
          body: entry,
        })
        return body === true
      } catch (error) {
        metrics.consulErrors.inc({ endpoint })
        throw consulError(`${endpoint} ${String(entry['Kind'])}/${String(entry['Name'])}`, error)
      }
    },
    close: () => agent.destroy(),
  }
}

/** The part of the package we call; it has no method for entries. */
interface Papi {
  _put(request: object): Promise<{ readonly body?: unknown }>
}
