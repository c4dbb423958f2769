import { guessOf } from '../core/closest-name.ts'
import { RequestError } from './request-error.ts'

/**
 * 404 for a service that is not there, with the name that was most likely meant.
 * @param known the services that are
 * @param where the catalog has more than the mesh: Consul itself, gateways
 */
export function unknownService(
  service: string,
  known: Iterable<string>,
  where: 'catalog' | 'mesh' = 'catalog',
): RequestError {
  return new RequestError(404, `service ${service} is not in the ${where}${guessOf(service, known)}`)
}
