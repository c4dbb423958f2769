/** Bodies of requests: JSON, forms, multipart forms. */

import type { IncomingMessage } from 'node:http'
import { isTable, type ObjectValue } from '../schema/table.ts'
import { message, Refusal } from './answer.ts'
import { type Arguments, addArgument, parseArguments } from './form-arguments.ts'
import { errorPage } from './html.ts'

/** As Kong's nginx has it for the Admin API. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024

export interface Body {
  /** As it came, where that matters: YAML. */
  readonly text?: string
  readonly json?: ObjectValue
  /** Arguments as they came, not yet nested. */
  readonly form?: Arguments
}

/** Kong takes three kinds of bodies, and YAML in one place; anything else (or none named, with a body) is nginx's page 415. */
export function refuseUnknownType(headers: IncomingMessage['headers'], takesYaml = false): void {
  const type = headers['content-type']
  if (type === undefined || type === '') {
    const length = headers['content-length']
    if (length === '0' || (length === undefined && headers['transfer-encoding'] === undefined)) return
  } else if (
    type.startsWith('application/json') ||
    type.startsWith('multipart/form-data') ||
    type.startsWith('application/x-www-form-urlencoded') ||
    (takesYaml && (type.startsWith('application/yaml') || type.startsWith('text/yaml')))
  ) {
    return
  }
  throw new Refusal(errorPage(415))
}

export async function readBody(message: IncomingMessage): Promise<Buffer> {
  if (Number(message.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new Refusal(errorPage(413))
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of message) {
    sizeBytes += (chunk as Buffer).length
    if (sizeBytes > MAX_BODY_BYTES) throw new Refusal(errorPage(413))
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

export function parseBody(contentType: string | undefined, bytes: Buffer): Body {
  const type = (contentType ?? '').toLowerCase()
  if (type.startsWith('application/json')) return { json: parseJson(bytes), text: bytes.toString('utf8') }
  if (type.startsWith('application/x-www-form-urlencoded'))
    return { form: parseArguments(bytes.toString('utf8')) }
  if (type.startsWith('multipart/form-data')) return { form: parseMultipart(contentType ?? '', bytes) }
  return bytes.length > 0 ? { text: bytes.toString('utf8') } : {}
}

function parseJson(bytes: Buffer): ObjectValue {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === 0) return {}
    // Kong answers 500 to other lists and to plain values; there is nothing to learn from that.
    if (isTable(parsed) && !Array.isArray(parsed)) return parsed
  } catch {
    // No JSON: the same answer.
  }
  throw new Refusal(message(400, 'Cannot parse JSON body'))
}

function parseMultipart(contentType: string, bytes: Buffer): Arguments {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType)
  const args: Arguments = {}
  if (!boundary) return args
  const text = bytes.toString('latin1')
  for (const part of text.split(`--${boundary[1] ?? boundary[2]}`).slice(1, -1)) {
    const split = part.indexOf('\r\n\r\n')
    const name = /content-disposition:[^\r\n]*\bname="([^"]*)"/i.exec(part.slice(0, Math.max(split, 0)))?.[1]
    if (name === undefined) continue
    const value = part.slice(split + 4).replace(/\r\n$/, '')
    addArgument(args, fromLatin1(name), fromLatin1(value))
  }
  return args
}

const fromLatin1 = (text: string): string => Buffer.from(text, 'latin1').toString('utf8')
