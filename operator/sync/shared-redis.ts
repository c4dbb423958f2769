import type { SharedRedis } from '../core/plugin-settings/plugin-configs.ts'
import { revealed } from '../telemetry/secret.ts'
import type { RedisConfig } from './operator-config.ts'

const DEFAULT_PORT = 6379

/** The Redis of the process as Kong's rate-limiting is told of it; null for none. */
export function sharedRedis(config: RedisConfig | undefined): SharedRedis | null {
  if (config === undefined) return null
  const url = new URL(revealed(config.url)!)
  const decoded = (text: string): string | null => (text === '' ? null : decodeURIComponent(text))
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(url.pathname.slice(1) || 0),
    ssl: url.protocol === 'rediss:',
    verify: config.tls?.rejectUnauthorized ?? true,
  }
}
