import type { Socket } from 'node:net'

/** A connection of Kong's that no worker has taken yet. Nothing has been read from it. */
export interface HeldConnection {
  readonly number: number
  readonly plugin: string
  readonly socket: Socket
  readonly since: number
  /** On its way to a worker. */
  isSent: boolean
}

/** Node sends one at a time, and the next when it has heard of the last: more would only wait where nobody sees them. */
const MOST_SENT = 8

/**
 * Connections between their arrival and the moment a worker says that it has them. The worker they were sent to may die
 * or hang before: then they go to the next.
 */
export class HeldConnections {
  readonly #held = new Map<number, HeldConnection>()
  #next = 0

  get size(): number {
    return this.#held.size
  }

  hold(socket: Socket, plugin: string, now: number): HeldConnection {
    const held = { number: this.#next++, plugin, socket, since: now, isSent: false }
    this.#held.set(held.number, held)
    socket.on('error', () => {})
    return held
  }

  /** A worker serves it: our side is closed, the connection lives on there. */
  taken(number: number): void {
    this.#held.get(number)?.socket.destroy()
    this.#held.delete(number)
  }

  /** Those that are to be sent to the worker now, the oldest first; they count as sent from here on. */
  toSend(): readonly HeldConnection[] {
    const all = [...this.#held.values()]
    const sent = all.filter(({ isSent }) => isSent).length
    const next = all.filter(({ isSent }) => !isSent).slice(0, Math.max(0, MOST_SENT - sent))
    for (const held of next) held.isSent = true
    return next
  }

  /** The worker they were sent to is gone. */
  sendAgain(): void {
    for (const held of this.#held.values()) held.isSent = false
  }

  /** Takes out those that came before `since` and are on their way to nobody. */
  releaseOlder(since: number): readonly HeldConnection[] {
    const old = [...this.#held.values()].filter((held) => held.since <= since && !held.isSent)
    for (const { number } of old) this.#held.delete(number)
    return old
  }

  destroy(): void {
    for (const { socket } of this.#held.values()) socket.destroy()
    this.#held.clear()
  }
}
