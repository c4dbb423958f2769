import type { Problem } from '../core/problem.ts'

/** What kongsul leaves alone because somebody else made it, as last seen, by service. */
export class ConflictBook {
  readonly #byService = new Map<string, readonly Problem[]>()

  list(): readonly Problem[] {
    return [...this.#byService.values()].flat()
  }

  /** All conflicts of one service. */
  set(service: string, conflicts: readonly Problem[]): void {
    if (conflicts.length > 0) this.#byService.set(service, conflicts)
    else this.#byService.delete(service)
  }

  /** All conflicts of all services. */
  setAll(conflicts: readonly Problem[]): void {
    this.#byService.clear()
    for (const each of conflicts) {
      this.#byService.set(each.service, [...(this.#byService.get(each.service) ?? []), each])
    }
  }
}
