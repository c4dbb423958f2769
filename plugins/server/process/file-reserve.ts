// Descriptors that a process keeps for when it may open no more (EMFILE, or ENFILE of the whole machine). libuv then takes each
// connection that waits and closes it at once, without a word to anybody: Kong answers 500 where it was to start an instance.
import { closeSync, openSync } from 'node:fs'

/** How many are kept. */
export const KEPT_FILES = 64
/** So many more can be opened after a look. */
const FREE = 4

export interface FileReserveOptions {
  /** Some of the reserve had to be given; called again only after it was whole. */
  onTight(): void
  /** After each look at which so many are missing: whatever can be closed without harm. */
  makeRoom(missing: number): void
}

export class FileReserve {
  readonly #kept: number[] = []
  readonly #options: FileReserveOptions
  #wasTight = false

  constructor(options: FileReserveOptions) {
    this.#options = options
    this.#fill()
  }

  /** How many are kept now. */
  get kept(): number {
    return this.#kept.length
  }

  get #isTight(): boolean {
    return this.#kept.length < KEPT_FILES
  }

  /**
   * Sees to it that `free` more can be opened, as far as the reserve reaches, and takes back what is not needed any more. For
   * every connection that was accepted, and from time to time: some 20 microseconds.
   */
  look(free = FREE): void {
    const opened: number[] = []
    let more = openMore()
    while (more !== null) {
      opened.push(more)
      more = opened.length < free ? openMore() : null
    }
    for (let missing = free - opened.length; missing > 0 && this.#kept.length > 0; missing--) {
      closeSync(this.#kept.pop()!)
    }
    // While what was opened is still open: what is taken back is beyond it.
    if (opened.length === free) this.#fill()
    for (const fd of opened) closeSync(fd)
    const { onTight, makeRoom } = this.#options
    if (this.#isTight && !this.#wasTight) onTight()
    this.#wasTight = this.#isTight
    if (this.#isTight) makeRoom(KEPT_FILES - this.#kept.length)
  }

  close(): void {
    for (const fd of this.#kept.splice(0)) closeSync(fd)
  }

  #fill(): void {
    while (this.#isTight) {
      const fd = openMore()
      if (fd === null) return
      this.#kept.push(fd)
    }
  }
}

function openMore(): number | null {
  try {
    return openSync('/dev/null', 'r')
  } catch {
    return null
  }
}
