import { followBlockingQuery } from '../consul/blocking-query.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import type { Logger } from '../telemetry/logger.ts'

/** A certificate of Consul Connect with its key, in PEM. */
export interface ConnectLeaf {
  readonly cert: string
  readonly key: string
}

export interface ConnectIdentityOptions {
  readonly reader: Pick<ConsulReader, 'leaf'>
  /** As which service the gateway is known in Consul Connect. */
  readonly service: string
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onLeaf: (leaf: ConnectLeaf) => void
}

const WAIT_MS = 60_000

/**
 * Follows the gateway's own certificate: the agent makes a new one before the old one ends, and when the authority
 * changes. While it cannot be read the last one stays.
 */
export async function followIdentity({
  reader,
  service,
  log,
  signal,
  onLeaf,
}: ConnectIdentityOptions): Promise<void> {
  let told = ''
  await followBlockingQuery({
    read: (o) => reader.leaf(service, o),
    waitMs: WAIT_MS,
    signal,
    onAnswer: ({ body: { CertPEM, PrivateKeyPEM } }) => {
      told = ''
      onLeaf({ cert: CertPEM, key: PrivateKeyPEM })
    },
    onFailure: ({ code, message }) => {
      if (message !== told)
        log.warn('the certificate of Consul Connect cannot be read', { code, reason: message, service })
      told = message
    },
  })
}
