import { invalidField, RequestError } from './request-error.ts'

const MOST_DEPTH = 256

/**
 * A JSON body. An empty one counts as none.
 * @param parse refuses keys that would change prototypes
 * @throws RequestError 400, 422 for one that is nested too deep
 */
export function jsonBody(bytes: Buffer, parse: (text: string) => unknown): unknown {
  if (bytes.length === 0) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new RequestError(400, 'the body is not UTF-8')
  }
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw new RequestError(400, `the body is not JSON: ${(error as Error).message.split('\n')[0]}`)
  }
  if (isDeeper(value, MOST_DEPTH)) {
    throw invalidField('body', `is nested more than ${MOST_DEPTH} deep`)
  }
  return value
}

/** Level by level: a recursion could be made to overflow. */
function isDeeper(value: unknown, most: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const inner = level.filter((each) => typeof each === 'object' && each !== null)
    if (inner.length > 0 && depth >= most) return true
    level = inner.flatMap((each) => Object.values(each as object))
  }
  return false
}
