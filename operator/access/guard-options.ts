import { type GuardOptions, WRITE_RATE } from '../http/guard.ts'
import { isLoopback } from '../http/host-check.ts'
import type { ApiConfig } from '../sync/operator-config.ts'
import type { Logger } from '../telemetry/logger.ts'
import { revealed, type Secret } from '../telemetry/secret.ts'
import { isWithin, parseNetworks } from './networks.ts'
import { TokenBook } from './token-book.ts'

/** Who is let in, by the configuration; says so when nobody can be. */
export function guardOptions(
  api: ApiConfig,
  log: Logger,
  feedToken?: Secret | string,
): Omit<GuardOptions, 'boundTo'> {
  const tokens = new TokenBook(api.tokenFiles ?? [], revealed(api.token), log)
  if (!isLoopback(api.host) && tokens.isEmpty) {
    const hint = 'set access.tokenFiles (KONGSUL_ACCESS_TOKEN_FILES) or access.token (KONGSUL_ACCESS_TOKEN)'
    log.warn('the API is not on loopback and has no tokens: nobody can read or write', {
      host: api.host,
      hint,
    })
  }
  const anonymous = api.legacyNetworks === undefined ? null : parseNetworks(api.legacyNetworks)
  if (!isLoopback(api.host) && anonymous !== null) {
    const networks = api.legacyNetworks
    log.warn('clients of these networks enqueue and read results without a token', { networks })
  }
  return {
    tokens,
    isLegacyClient: (address) => anonymous !== null && isWithin(anonymous, address),
    names: api.names ?? [],
    writeRate: api.writeRate ?? WRITE_RATE,
    feedToken,
    onWrite: (name, what) => log.info('a write by a token', { name, what }),
  }
}
