import { EventEmitter } from 'node:events'
import type http from 'node:http'
import ConsulClient from 'consul'
import { shaped } from '../consul/answer-shape.ts'
import { connectionAgent } from '../consul/connection-agent.ts'
import { ConsulError, consulError } from '../consul/consul-error.ts'
import { decodedRows, orNoRows } from '../consul/kv-rows.ts'
import { withToken } from '../consul/with-token.ts'
import { OPERATOR_SERVICE } from '../core/exposure.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'
import { type CheckKind, healthUrl, hostAndPort } from './check-kind.ts'
import { CHECK_TIMEOUT_MS } from './timing.ts'

export interface LockRow {
  /** Text of the key, '' where it does not exist. */
  readonly value: string
  /** Session that holds it. */
  readonly heldBy: string | null
  readonly lockIndex: number
  /** X-Consul-Index, for the next blocking read. */
  readonly index: bigint
}

export interface Registration {
  readonly advertise: string | null
  readonly check: CheckKind
  readonly meta: Readonly<Record<string, string>>
  readonly checkTtlMs: number
}

/** The calls of Consul behind an election. All throw ConsulError; reads are consistent ones. */
export interface ConsulLock {
  /** Registers this operator with a check that passes until it is found critical. */
  register(registration: Registration): Promise<void>
  deregister(): Promise<void>
  /** Reports the TTL check as passing. */
  pass(timeoutMs: number): Promise<void>
  /** Our check as the agent sees it; null where it does not know it. */
  readCheck(): Promise<{ readonly status: string; readonly output: string } | null>
  openSession(ttlMs: number): Promise<string>
  /** @returns false when there is no such session any more */
  renew(session: string): Promise<boolean>
  destroy(session: string): Promise<void>
  /** Locks the key, or writes a new value where this session holds it. @returns false when another one holds it */
  acquire(session: string, value: string): Promise<boolean>
  release(session: string, value: string): Promise<void>
  /** @param index 0: answers at once; else when the key's index is higher, or after `waitMs` */
  read(options: {
    readonly index: bigint
    readonly waitMs: number
    readonly signal: AbortSignal
  }): Promise<LockRow>
  close(): void
}

const CALL_TIMEOUT_MS = 1500
/** An operator that crashed leaves the catalog after this long. */
const FORGET_AFTER = '10m'

/**
 * @param config the agent whose node carries session and check. `datacenter` is not used: both live with that agent.
 * @param onRequest called before each request, with its name, and after each that failed
 */
export function createConsulLock(
  config: ConsulConfig,
  { key, serviceId }: { readonly key: string; readonly serviceId: string },
  onRequest: (endpoint: string, failed: boolean) => void = () => {},
): ConsulLock {
  const agent = connectionAgent(config.url, config.tls)
  const consul = client(config, agent)
  const checkId = `service:${serviceId}`
  // The package escapes a key's slashes; Consul wants them as they are.
  const escaped = key.split('/').map(encodeURIComponent).join('/')
  const path = { encode: false, toString: () => escaped }

  async function call<T>(
    endpoint: string,
    send: (options: Options) => Promise<unknown>,
    options: Options = {},
  ): Promise<T> {
    onRequest(endpoint, false)
    try {
      return (await send({ timeout: CALL_TIMEOUT_MS, ...options })) as T
    } catch (error) {
      const failure = consulError(endpoint, error)
      if (failure.code !== 'CONSUL_ABORTED') onRequest(endpoint, true)
      throw failure
    }
  }

  return {
    register: ({ advertise, check, meta, checkTtlMs }) =>
      call('agent.service.register', (o) =>
        consul.agent.service.register({
          ...o,
          name: OPERATOR_SERVICE,
          id: serviceId,
          ...(advertise === null ? {} : addressOf(advertise)),
          meta,
          check: {
            ...(check === 'ttl' || advertise === null
              ? { ttl: `${checkTtlMs}ms` }
              : {
                  http: healthUrl(advertise),
                  interval: '1s',
                  timeout: `${CHECK_TIMEOUT_MS}ms`,
                  tlsskipverify: true,
                }),
            status: 'passing',
            deregistercriticalserviceafter: FORGET_AFTER,
          },
        }),
      ),
    deregister: () =>
      call('agent.service.deregister', (o) => consul.agent.service.deregister({ ...o, id: serviceId })),
    pass: (timeout) =>
      call('agent.check.pass', (o) => consul.agent.check.pass({ ...o, id: checkId }), { timeout }),
    readCheck: async () => {
      const checks = await call<Record<string, RawCheck>>('agent.check.list', (o) =>
        consul.agent.check.list(o),
      )
      const check = checks[checkId]
      return check === undefined ? null : { status: check.Status, output: check.Output }
    },
    openSession: async (ttlMs) => {
      // Not serfHealth: a node's gossip is quicker with a wrong verdict than the TTL, and no proof of anything.
      const body = {
        Name: serviceId,
        TTL: `${ttlMs}ms`,
        LockDelay: '0s',
        Behavior: 'release',
        NodeChecks: [],
        ServiceChecks: [{ ID: checkId }],
      }
      const request = { name: 'session.create', path: '/session/create', type: 'json', body }
      const answer = await call<{ body: { ID: string } }>('session.create', (o) =>
        consul._put({ ...request, ...o }),
      )
      return answer.body.ID
    },
    renew: async (id) => {
      try {
        await call('session.renew', (o) => consul.session.renew({ ...o, id }))
        return true
      } catch (error) {
        if (statusOf(error) === 404) return false
        throw error
      }
    },
    destroy: (id) => call('session.destroy', (o) => consul.session.destroy({ ...o, id })),
    acquire: (session, value) =>
      call('kv.acquire', (o) => consul.kv.set({ ...o, key: path, value, acquire: session })),
    release: (session, value) =>
      call('kv.release', (o) => consul.kv.set({ ...o, key: path, value, release: session })),
    read: async ({ index, waitMs, signal }) => {
      const context = new Cancellable()
      const cancel = () => context.emit('cancel')
      if (signal.aborted) throw new ConsulError('CONSUL_ABORTED', 'kv.get', 'the read was given up')
      signal.addEventListener('abort', cancel, { once: true })
      // Consul adds up to a sixteenth to the wait, to spread clients that came together.
      const blocking = {
        index: String(index),
        wait: `${waitMs}ms`,
        timeout: waitMs * 1.0625 + CALL_TIMEOUT_MS,
      }
      const { timeout, ...asked } = { timeout: CALL_TIMEOUT_MS, ...(index > 0n ? blocking : {}) }
      const request = {
        name: 'kv.get',
        path: `/kv/${escaped}`,
        ctx: context,
        timeout,
        query: { consistent: '1', ...asked },
      }
      try {
        const { headers, row } = await call<{ headers: http.IncomingHttpHeaders; row: RawRow | undefined }>(
          'kv.get',
          async () => {
            const asking = consul._get(request).then((answer) => [answer, answer.body] as const)
            const [{ headers }, body] = await orNoRows(asking)
            const rows = shaped<readonly RawRow[] | null | undefined>('kv.get', body) ?? []
            return { headers, row: decodedRows(rows)[0] }
          },
        )
        const header = String(headers['x-consul-index'])
        return {
          value: row?.Value ?? '',
          heldBy: row?.Session ? row.Session : null,
          lockIndex: row?.LockIndex ?? 0,
          index: /^\d+$/.test(header) ? BigInt(header) : 0n,
        }
      } finally {
        signal.removeEventListener('abort', cancel)
      }
    },
    close: () => agent.destroy(),
  }
}

/** True when an error means that the session is gone: a lock cannot be had with it. */
export function isSessionGone(error: unknown): boolean {
  return error instanceof ConsulError && /invalid session/i.test(error.message)
}

type Options = Readonly<Record<string, unknown>>
type Call = (options: Options) => Promise<unknown>
interface RawCheck {
  readonly Status: string
  readonly Output: string
}
interface RawRow {
  readonly Value: string | null
  readonly Session?: string
  readonly LockIndex: number
}

/** The part of the package we call. Its own session.create knows no ServiceChecks, hence `_put`. */
interface Consul {
  readonly agent: {
    readonly service: { readonly register: Call; readonly deregister: Call }
    readonly check: { readonly pass: Call; readonly list: Call }
  }
  readonly session: { readonly renew: Call; readonly destroy: Call }
  readonly kv: { readonly set: Call }
  readonly _put: Call
  _get(request: object): Promise<Pick<http.IncomingMessage, 'headers'> & { readonly body?: unknown }>
}

/** papi gives up a request when its context emits `cancel`, and answers [response, body] when this flag is set. */
class Cancellable extends EventEmitter {
  readonly includeResponse = true
}

function client({ url, token }: ConsulConfig, agent: http.Agent): Consul {
  const options = { baseUrl: `${url.replace(/\/+$/, '')}/v1`, agent }
  const made = new ConsulClient(options as unknown as ConstructorParameters<typeof ConsulClient>[0])
  return withToken<Consul>(made, token)
}

function addressOf(advertise: string) {
  const { host, port } = hostAndPort(advertise)
  return { address: host, port }
}

function statusOf(error: unknown): number | undefined {
  const cause = (error as Error).cause as { response?: { statusCode?: number } } | undefined
  return cause?.response?.statusCode
}
