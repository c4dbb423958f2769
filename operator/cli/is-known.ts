import type { ListedService } from '../api/list-services.ts'
import { type Asked, callOperator } from './call-operator.ts'

/** Is there a service of this name? A name that is mistyped is often taken all the same: the service may be still to come. */
export async function isKnown(service: string, config: Asked): Promise<boolean> {
  const answer = await callOperator<{ services: ListedService[] }>(config, 'GET', '/services')
  return answer === null || answer.services.some((each) => each.service_name === service)
}
