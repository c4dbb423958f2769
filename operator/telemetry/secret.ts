import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** A value that must not be seen: prints as `[redacted]` in logs, JSON, templates and inspections. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself: only for the header or option that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

/** Text of a secret given either way; undefined for none, or for an empty one. */
export function revealed(secret: Secret | string | undefined): string | undefined {
  const value = secret instanceof Secret ? secret.reveal() : secret
  return value === '' ? undefined : value
}
