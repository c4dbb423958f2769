import { revealed } from '../telemetry/secret.ts'
import type { RedisConfig } from './operator-config.ts'

/** The address with the password that there is now, which `redis.passwordFile` may have changed. A secret. */
export function redisAddress({ url, password }: Pick<RedisConfig, 'url' | 'password'>): string {
  const given = revealed(url)!
  const now = revealed(password)
  if (now === undefined) return given
  const address = new URL(given)
  // The setter leaves a % as it is.
  address.password = encodeURIComponent(now)
  return address.href
}
