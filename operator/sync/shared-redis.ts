import type { SharedRedis } from '../core/plugin-settings/plugin-configs.ts'
import type { RedisConfig } from './operator-config.ts'
import { redisAddress } from './redis-address.ts'

const DEFAULT_PORT = 6379

/** The Redis of the process as Kong's rate-limiting is told of it; null for none. */
export function sharedRedis(config: RedisConfig | undefined): SharedRedis | null {
  if (config === undefined) return null
  const url = new URL(redisAddress(config))
  const decoded = (text: string): string | null => (text === '' ? null : decodeURIComponent(text))
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(url.pathname.slice(1) || 0),
    ssl: url.protocol === 'rediss:',
    verify: config.tls?.rejectUnauthorized ?? true,
    ...(config.tls?.serverName === undefined ? {} : { serverName: config.tls.serverName }),
  }
}

/** The same of now, one object for as long as nothing of it has changed. */
export function sharedRedisOf(config: RedisConfig | undefined): () => SharedRedis | undefined {
  let address: string | null = null
  let shared: SharedRedis | null = null
  return () => {
    const now = config === undefined ? null : redisAddress(config)
    if (now !== address) {
      address = now
      shared = sharedRedis(config)
    }
    return shared ?? undefined
  }
}
