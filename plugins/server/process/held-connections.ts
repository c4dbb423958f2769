import type { Socket } from 'node:net'

/** A connection of Kong's that no worker has taken yet. Nothing has been read from it. */
export interface HeldConnection {
  readonly number: number
  readonly plugin: string
  readonly socket: Socket
  readonly since: number
}

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
    const held = { number: this.#next++, plugin, socket, since: now }
    this.#held.set(held.number, held)
    socket.on('error', () => {})
    return held
  }

  /** A worker serves it: our side is closed, the connection lives on there. */
  taken(number: number): void {
    this.#held.get(number)?.socket.destroy()
    this.#held.delete(number)
  }

  all(): readonly HeldConnection[] {
    return [...this.#held.values()]
  }

  /** Takes out those that came before `since`. */
  releaseOlder(since: number): readonly HeldConnection[] {
    const old = this.all().filter((held) => held.since <= since)
    for (const { number } of old) this.#held.delete(number)
    return old
  }

  destroy(): void {
    for (const { socket } of this.#held.values()) socket.destroy()
    this.#held.clear()
  }
}
