/** What is wrong with a request; the server answers it in the one shape of all errors. */
export class RequestError extends Error {
  readonly statusCode: number
  readonly details: readonly unknown[]
  /** Of the answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    statusCode: number,
    message: string,
    details: readonly unknown[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'RequestError'
    this.statusCode = statusCode
    this.details = details
    this.headers = headers
  }
}

/** A value that does not validate: 422, naming the field. */
export const invalidField = (field: string, message: string): RequestError =>
  new RequestError(422, `${field} ${message}`, [{ field, message }])

/** Nothing is known before both were read: services that Kong holds and Consul does not show are made sure of first. */
export const NOT_READ_YET = 'Consul and Kong have not both been read yet; GET /readyz says what is missing'

export const notReadYet = (): RequestError => new RequestError(503, NOT_READ_YET)
