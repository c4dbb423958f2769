/** The body of an answer as `POST /call` tells it: what is JSON as JSON, text as text, the rest in base64. */
export interface DecodedBody {
  readonly body: unknown
  readonly body_encoding?: 'base64'
}

export function decodeBody(bytes: Buffer, contentType: string): DecodedBody {
  if (bytes.length === 0) return { body: null }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { body: bytes.toString('base64'), body_encoding: 'base64' }
  }
  if (!/^[^;]*[/+]json\b/i.test(contentType)) return { body: text }
  try {
    return { body: JSON.parse(text) as unknown }
  } catch {
    return { body: text } // says JSON and is none
  }
}
