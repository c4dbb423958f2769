import { RedisError } from '../legacy/redis-error.ts'
import { RequestError } from './request-error.ts'

/** Runs something that asks Redis; that it is down, or said no, is told, not hidden. @throws RequestError 503 */
export async function answeringForRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RedisError)) throw error
    throw new RequestError(503, error.message)
  }
}
