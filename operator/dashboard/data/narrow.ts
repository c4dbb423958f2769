import { Store } from './store.ts'

const narrow = matchMedia('(max-width: 600px)')

/** As narrow as a phone: where the style sheets draw the line as well. */
export const isNarrow = new Store(narrow.matches)
narrow.addEventListener('change', () => isNarrow.set(narrow.matches))
