/** A request's body, and what it is. */
export interface Encoded {
  readonly body: Buffer | string
  readonly contentType: string
  readonly spans: number
}
