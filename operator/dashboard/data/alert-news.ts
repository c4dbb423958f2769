// Alerts that begin to fire are told to those who do not look: in the title of the tab, and to screen readers.
import { announce } from './announce.ts'
import { mesh } from './mesh.ts'

export function startAlertNews(): void {
  let known: ReadonlySet<string> | null = null
  mesh.state.listen(() => {
    const { data } = mesh.state.get()
    if (data === null) return
    const firing = data.alerts.filter(
      ({ state, silenced_by }) => state === 'firing' && silenced_by.length === 0,
    )
    document.title = firing.length === 0 ? 'kongsul' : `(${firing.length}) kongsul`
    const before = known
    known = new Set(firing.map(({ id }) => id))
    // What fires already when the page is opened is on the page.
    if (before === null) return
    const fresh = firing.filter(({ id }) => !before.has(id))
    if (fresh.length > 0) {
      announce(
        fresh
          .map(({ severity, message }) => `${severity} alert: ${message}`)
          .slice(0, 3)
          .join('. '),
      )
    }
  })
}
