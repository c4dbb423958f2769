/** What the ids of Kong's entities stand for, as the operator tells it. */
export interface MeshNames {
  /** The Consul service behind a Kong service; undefined where it is not known (yet). */
  service(serviceId: string): string | undefined
  route(routeId: string): NamedRoute | undefined
}

export interface NamedRoute {
  readonly name: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
}

/** Knows nothing: spans are named by their method alone. */
export const NO_NAMES: MeshNames = { service: () => undefined, route: () => undefined }

/**
 * The route of a request as people configured it, for `http.route`: the path it matched, else the host. Never the path
 * of the request: that would make as many names as there are URLs.
 */
export function routeLabel({ hosts, paths }: NamedRoute, requestPath: string): string | undefined {
  const plain = paths.filter((path) => !path.startsWith('~') && requestPath.startsWith(path))
  const longest = plain.reduce<string | undefined>(
    (best, path) => (best === undefined || path.length > best.length ? path : best),
    undefined,
  )
  // Which of several expressions took it only Kong knows; they stand for their route together.
  const path = longest ?? paths.find((candidate) => candidate.startsWith('~')) ?? paths[0]
  return path ?? hosts[0]
}
