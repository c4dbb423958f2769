import ConsulClient from 'consul'
import type { KvWrite } from '../core/settings-status.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { connectionAgent } from './connection-agent.ts'
import { consulError } from './consul-error.ts'
import { withToken } from './with-token.ts'

export interface KvWriter {
  /**
   * Writes or removes one key if it has not changed since it was read.
   * @returns false when it has
   * @throws ConsulError
   */
  write(write: KvWrite): Promise<boolean>
  /** Writes whatever the key holds now; text null removes it. @throws ConsulError */
  force(key: string, text: string | null): Promise<void>
  close(): void
}

const TIMEOUT_MS = 5000

/** Writes to KV through the `consul` package. */
export function createKvWriter(config: ConsulConfig, metrics: Metrics): KvWriter {
  const agent = connectionAgent(config.url, config.tls)
  const defaults = {
    timeout: TIMEOUT_MS,
    ...(config.datacenter === undefined ? {} : { dc: config.datacenter }),
  }
  const options = { baseUrl: `${config.url.replace(/\/+$/, '')}/v1`, agent, defaults }
  const client = new ConsulClient(options as unknown as ConstructorParameters<typeof ConsulClient>[0])
  const { kv } = withToken<{ readonly kv: Kv }>(client, config.token)

  async function call(key: string, text: string | null, cas: object): Promise<boolean> {
    const endpoint = text === null ? 'kv.delete' : 'kv.set'
    metrics.consulRequests.inc({ endpoint })
    try {
      const done = text === null ? await kv.del({ key, ...cas }) : await kv.set({ key, value: text, ...cas })
      // papi (under the `consul` package) hands an answer `false` over as undefined.
      return done === true
    } catch (error) {
      metrics.consulErrors.inc({ endpoint })
      throw consulError(`${endpoint} ${key}`, error)
    }
  }
  return {
    write: ({ key, text, index }) => call(key, text, { cas: String(index) }),
    force: async (key, text) => void (await call(key, text, {})),
    close: () => agent.destroy(),
  }
}

/** The part of the package we call; its own types do not know that answers are booleans. */
interface Kv {
  set(options: object): Promise<unknown>
  del(options: object): Promise<unknown>
}
