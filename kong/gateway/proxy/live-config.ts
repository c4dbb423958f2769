import type { RouteRow, ServiceRow } from '../router/route-row.ts'
import { Router } from '../router/router.ts'
import type { Change, Store } from '../store.ts'

/** Keeps a router equal to the store's routes and services; a change counts from the next request on. */
export function followRoutes(store: Store, onProblem: (routeId: string, message: string) => void): Router {
  const router = new Router()

  function set(route: RouteRow): void {
    const service = route.service
      ? (store.get('services', route.service.id) as unknown as ServiceRow | undefined)
      : undefined
    try {
      router.set(route, service)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      onProblem(route.id, error.message)
    }
  }

  store.onChange(({ collection, id, after }: Change) => {
    if (collection === 'routes') {
      if (after) set(after as unknown as RouteRow)
      else router.delete(id)
    } else if (collection === 'services' && after) {
      for (const route of store.children('routes', 'service', id)) set(route as unknown as RouteRow)
    }
  })
  for (const route of store.all('routes')) set(route as unknown as RouteRow)
  return router
}
