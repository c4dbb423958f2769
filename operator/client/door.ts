import type { Health } from './public-types.ts'

export interface Telling {
  readonly health: Health
  readonly note: string
}

/** A way into Consul: the service's own agent, or an operator. Every call answers within 5 s. */
export interface Door {
  /** Of the registration, known once `register` has answered. */
  readonly id: string
  /** Also where it is registered already. @throws DoorError */
  register(telling: Telling): Promise<void>
  /** Says how the instance is. @returns false where it is not registered any more. @throws DoorError */
  renew(telling: Telling): Promise<boolean>
  /** @throws DoorError */
  deregister(): Promise<void>
  /** The same as one request, for a process that has no time left. */
  readonly goodbye: PlainRequest
}

export interface PlainRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** The other side did not do it. */
export class DoorError extends Error {
  /** It has been asked and says no: it will say so again. */
  readonly isRefusal: boolean

  constructor(message: string, isRefusal: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'DoorError'
    this.isRefusal = isRefusal
  }
}
