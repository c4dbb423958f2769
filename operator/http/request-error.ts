/** What is wrong with a request; the server answers it in the one shape of all errors. */
export class RequestError extends Error {
  readonly statusCode: number
  readonly details: readonly unknown[]

  constructor(statusCode: number, message: string, details: readonly unknown[] = []) {
    super(message)
    this.name = 'RequestError'
    this.statusCode = statusCode
    this.details = details
  }
}

/** A value that does not validate: 422, naming the field. */
export const invalidField = (field: string, message: string): RequestError =>
  new RequestError(422, `${field} ${message}`, [{ field, message }])
