import { Store } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'kongsul.theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

/** What somebody chose here; that of the system unless they did. */
export const theme = new Store<Theme>(stored())

/** Another number each time the colours are others. */
export const themeChanges = new Store(0)

export const isDark = (): boolean => (theme.get() === 'system' ? dark.matches : theme.get() === 'dark')

export function startTheme(): void {
  const apply = () => {
    document.documentElement.dataset['theme'] = isDark() ? 'dark' : 'light'
    themeChanges.set(themeChanges.get() + 1)
  }
  theme.listen(apply)
  dark.addEventListener('change', apply)
  apply()
}

export function toggleTheme(): void {
  const next = isDark() ? 'light' : 'dark'
  const isSystems = (next === 'dark') === dark.matches
  theme.set(isSystems ? 'system' : next)
  try {
    if (isSystems) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, next)
  } catch {
    // No storage in this browser: it holds until the page is left.
  }
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system' // no storage in this browser
  }
}
