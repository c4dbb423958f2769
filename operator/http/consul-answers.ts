import { ConsulError } from '../consul/consul-error.ts'
import { RequestError } from './request-error.ts'

/** Runs something that writes to Consul; what Consul said no to is told, not hidden. @throws RequestError */
export async function answeringForConsul<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error
    throw new RequestError(error.code === 'CONSUL_DENIED' ? 502 : 503, error.message)
  }
}
