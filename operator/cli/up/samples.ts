/** One instance of a sample service. */
export interface Sample {
  readonly service: string
  readonly id: string
  /** Service that it calls through the gateway for every request. */
  readonly calls?: string
}

const SERVICES: readonly { readonly service: string; readonly count: number; readonly calls?: string }[] = [
  { service: 'web', count: 2, calls: 'api' },
  { service: 'api', count: 3, calls: 'store' },
  { service: 'store', count: 2 },
]

/** web (2) calls api (3) calls store (2). */
export const SAMPLE_SERVICES: readonly string[] = SERVICES.map(({ service }) => service)

/**
 * The instances of the sample services.
 * @param prefix put before every name, so that they stay apart from services of a Consul that was there before.
 */
export function samples(prefix = ''): readonly Sample[] {
  return SERVICES.flatMap(({ service, count, calls }) =>
    Array.from({ length: count }, (_, index) => ({
      service: `${prefix}${service}`,
      id: `${prefix}${service}-${index + 1}`,
      ...(calls === undefined ? {} : { calls: `${prefix}${calls}` }),
    })),
  )
}
