/**
 * Replays recorded exchanges with an Admin API. What differs from run to run is mapped: ids and offsets by the answers
 * so far, times by their type, lists by their members.
 */

import { readFileSync } from 'node:fs'

export interface Exchange {
  readonly note?: string
  readonly method: string
  readonly path: string
  readonly requestHeaders?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON. */
  readonly requestBody?: unknown
  readonly status: number
  readonly responseHeaders: Readonly<Record<string, string>>
  readonly responseBody: unknown
}

export interface Replayed {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export function readExchanges(name: string): readonly Exchange[] {
  const text = readFileSync(new URL(`../fixtures/golden/${name}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Exchange)
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TIMES = ['created_at', 'updated_at']

export class Replay {
  readonly #adminUrl: string
  /** Recorded ids and offsets, and what they are in this run. */
  readonly #actualOf = new Map<string, string>()
  readonly #recordedOf = new Map<string, string>()
  /** Every entity as last recorded, by its recorded id, to know those of pages cut elsewhere. */
  readonly #entities = new Map<string, string>()

  constructor(adminUrl: string) {
    this.#adminUrl = adminUrl.replace(/\/$/, '')
  }

  async send(exchange: Exchange): Promise<Replayed> {
    const { requestBody: body, requestHeaders: headers = {} } = exchange
    const isText = typeof body === 'string'
    const response = await fetch(this.#adminUrl + this.#translate(exchange.path), {
      method: exchange.method,
      signal: AbortSignal.timeout(10_000),
      headers: body === undefined || isText ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: this.#translate(isText ? body : JSON.stringify(body)) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== ''
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** The recorded body in a form to compare with `actual`'s. */
  recorded(exchange: Exchange): unknown {
    this.#remember(exchange.responseBody)
    return comparable(exchange.responseBody)
  }

  /**
   * The answer in the words of the recording. Ids seen for the first time are taken for the recorded ones in the same
   * place.
   */
  actual(exchange: Exchange, answer: Replayed): unknown {
    if (!isList(exchange.responseBody)) this.#pair(exchange.responseBody, answer.body)
    return comparable(this.#untranslate(answer.body))
  }

  /** For pages, whose cut depends on the ids: members that were never recorded, and what is to follow. */
  comparePage(
    exchange: Exchange,
    answer: Replayed,
  ): { readonly unknown: readonly string[]; readonly sizes: string } {
    const [recorded, actual] = [exchange.responseBody as List, answer.body as List]
    this.#remember(recorded)
    if (recorded.offset !== undefined && actual.offset !== undefined)
      this.#learn(recorded.offset, actual.offset)
    const members = actual.data.map((row) => JSON.stringify(comparable(this.#untranslate(row))))
    const known = new Set(this.#entities.values())
    const shape = (list: List) =>
      `${list.data.length} rows, next ${typeof list.next}, offset ${typeof list.offset}`
    return {
      unknown: members.filter((member) => !known.has(member)),
      sizes: shape(actual) === shape(recorded) ? '' : `${shape(actual)} instead of ${shape(recorded)}`,
    }
  }

  #learn(recorded: string, actual: string): void {
    this.#actualOf.set(recorded, actual)
    this.#recordedOf.set(actual, recorded)
  }

  #pair(recorded: unknown, actual: unknown): void {
    if (typeof recorded === 'string' && typeof actual === 'string') {
      const [ids, others] = [recorded.match(UUID), actual.match(UUID)]
      if (ids?.length === 1 && others?.length === 1 && !this.#actualOf.has(ids[0] as string)) {
        this.#learn(ids[0] as string, others[0] as string)
      }
    } else if (isObject(recorded) && isObject(actual)) {
      for (const [key, value] of Object.entries(recorded)) this.#pair(value, actual[key])
    }
  }

  #remember(body: unknown): void {
    const rows = isList(body) ? body.data : [body]
    for (const row of rows) {
      if (isObject(row) && typeof row['id'] === 'string')
        this.#entities.set(row['id'], JSON.stringify(comparable(row)))
    }
  }

  #translate(text: string): string {
    let translated = text.replace(UUID, (id) => this.#actualOf.get(id) ?? id)
    for (const [recorded, actual] of this.#actualOf) {
      if (recorded.length !== 36) translated = translated.replaceAll(recorded, actual)
    }
    return translated
  }

  #untranslate(value: unknown): unknown {
    return mapTexts(value, (text) => {
      const back = text.replace(UUID, (id) => this.#recordedOf.get(id) ?? id)
      return this.#recordedOf.get(back) ?? back
    })
  }
}

interface List {
  readonly data: readonly unknown[]
  readonly next: unknown
  readonly offset?: string
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
const isList = (value: unknown): value is List => isObject(value) && Array.isArray(value['data'])

/** Times as their type, object keys and the members of a list in order of their text. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    if (TIMES.includes(key) && typeof inner === 'number') return [key, 'a time']
    if (key === 'node_id') return [key, 'this node']
    const comparableInner = comparable(inner)
    const isRows = (key === 'data' || key === 'hosts') && Array.isArray(comparableInner)
    return [key, isRows ? [...comparableInner].sort(byText) : comparableInner]
  })
  return Object.fromEntries(entries.sort(byText))
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]))
}
