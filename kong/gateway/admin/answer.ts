/** What an endpoint answers: a JSON body, a page of HTML, plain text, or nothing. */

import type { KongError } from '../schema/kong-error.ts'

export interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly html?: string
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const ok = (json: unknown): Answer => ({ status: 200, json })
export const created = (json: unknown): Answer => ({ status: 201, json })
export const noContent = (): Answer => ({ status: 204 })

export const message = (status: number, text: string): Answer => ({ status, json: { message: text } })
export const notFound = (): Answer => message(404, 'Not found')
export const methodNotAllowed = (): Answer => message(405, 'Method not allowed')

/** Thrown anywhere below an endpoint to end the request with an answer; nothing may have been stored by then. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(`answered ${answer.status}`)
    this.answer = answer
  }
}

export const refuse = (error: KongError): never => {
  throw new Refusal({ status: error.status, json: error.body })
}
