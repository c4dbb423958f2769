/** Redis cannot be had, did not answer in time, or said no. The message never holds the address's password. */
export class RedisError extends Error {
  readonly code: 'REDIS_DOWN' | 'REDIS_REFUSED'

  constructor(code: RedisError['code'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'RedisError'
    this.code = code
  }
}
