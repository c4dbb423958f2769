/** What the fake keeps of one session. */
interface FakeSession {
  readonly node: string
  expiresAt: number
}

interface Waiter {
  readonly index: number
  readonly deadline: number
  readonly answer: () => void
}

export interface FakeRow {
  readonly value: string
  readonly heldBy: string | null
  readonly lockIndex: number
  readonly index: number
}

/** Sessions, checks and one lock by Consul's rules, on a clock that is passed in (ms). */
export class FakeConsul {
  readonly #random: () => number
  readonly #sessions = new Map<string, FakeSession>()
  readonly #critical = new Set<string>()
  readonly #passUntil = new Map<string, number>()
  #waiters: Waiter[] = []
  #nextId = 1
  row: FakeRow = { value: '', heldBy: null, lockIndex: 0, index: 1 }

  constructor(random: () => number) {
    this.#random = random
  }

  /** Expires what is due. A session outlives its TTL by up to as much again. */
  advance(now: number): void {
    for (const [node, until] of this.#passUntil) if (now >= until) this.setCheck(node, 'critical')
    for (const [id, session] of this.#sessions) if (now >= session.expiresAt) this.destroy(id)
    const due = this.#waiters.filter(({ index, deadline }) => this.row.index > index || now >= deadline)
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter))
    for (const { answer } of due) answer()
  }

  setCheck(node: string, status: 'passing' | 'critical'): void {
    if (status === 'passing') {
      this.#critical.delete(node)
      return
    }
    this.#passUntil.delete(node)
    this.#critical.add(node)
    for (const [id, session] of this.#sessions) if (session.node === node) this.destroy(id)
  }

  /** A report to a TTL check. */
  pass(node: string, until: number): void {
    this.#critical.delete(node)
    this.#passUntil.set(node, until)
  }

  open(node: string, now: number, ttlMs: number): string | null {
    if (this.#critical.has(node)) return null
    const id = `s${this.#nextId++}`
    this.#sessions.set(id, { node, expiresAt: now + ttlMs * (1 + this.#random()) })
    return id
  }

  renew(id: string, now: number, ttlMs: number): boolean {
    const session = this.#sessions.get(id)
    if (session === undefined) return false
    session.expiresAt = now + ttlMs * (1 + this.#random())
    return true
  }

  destroy(id: string): void {
    if (!this.#sessions.delete(id) || this.row.heldBy !== id) return
    this.row = { ...this.row, heldBy: null, index: this.row.index + 1 }
  }

  /** @returns null when there is no such session */
  acquire(id: string, value: string): boolean | null {
    if (!this.#sessions.has(id)) return null
    const { heldBy, lockIndex, index } = this.row
    if (heldBy !== null && heldBy !== id) return false
    this.row = { value, heldBy: id, lockIndex: heldBy === id ? lockIndex : lockIndex + 1, index: index + 1 }
    return true
  }

  release(id: string, value: string): void {
    if (this.row.heldBy === id) this.row = { ...this.row, value, heldBy: null, index: this.row.index + 1 }
  }

  whenChanged(index: number, deadline: number, answer: () => void): void {
    this.#waiters.push({ index, deadline, answer })
  }
}
