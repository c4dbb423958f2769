import { ConsulError } from '../consul/consul-error.ts'

/** How many failures in a row are no news: a check registered a moment ago takes some ms to reach Consul's servers. */
export const NO_NEWS = 3

/**
 * Is a failure one to tell people of? What the token may not do it will not be able to in a moment.
 * @param before how many there were right before it
 */
export const isLasting = (error: unknown, before: number): boolean =>
  before >= NO_NEWS || (error instanceof ConsulError && error.code === 'CONSUL_DENIED')
