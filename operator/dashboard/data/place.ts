import { hashOf, type Place, placeOf, type to, withParams } from '../model/url-state.ts'
import { Store, useStore } from './store.ts'

/** Where we are: what the address says. */
export const place = new Store<Place>(placeOf(location.hash))

addEventListener('hashchange', () => place.set(placeOf(location.hash)))

export const usePlace = (): Place => useStore(place)

/** Goes there; Back comes back. @param hash of `to` */
export function go(hash: ReturnType<typeof to>): void {
  if (location.hash === hash) return
  location.hash = hash
}

/** The same page in another state, without a step of its own to go back to. */
export function replaceParams(changed: Readonly<Record<string, string>>): void {
  replacePlace(withParams(place.get(), changed))
}

export function replacePlace(next: Place): void {
  history.replaceState(null, '', hashOf(next))
  place.set(placeOf(location.hash))
}
