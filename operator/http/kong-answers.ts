import { KongError } from '../kong/kong-error.ts'
import { RequestError } from './request-error.ts'

/** Runs something that calls Kong; what Kong said no to is told, not hidden. @throws RequestError */
export async function answeringForKong<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KongError)) throw error
    throw new RequestError(error.isConnection ? 503 : 502, `Kong: ${error.message}`)
  }
}
