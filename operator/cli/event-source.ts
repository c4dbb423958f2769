import { tlsFetch } from '../secrets/tls-fetch.ts'
import { revealed } from '../telemetry/secret.ts'
import { API, type Asked, OPERATORS, operatorDown, refuseTls } from './call-operator.ts'
import { refused } from './refused.ts'

export interface ServerEvent {
  readonly event: string
  /** One line of JSON. */
  readonly data: string
}

/**
 * Events of the running operator until it ends them.
 * @param path below the API, with its query
 * @param tried what for, should no operator answer
 * @throws CliError with what it said when it refuses
 */
export async function* openEvents(config: Asked, path: string, tried: string): AsyncGenerator<ServerEvent> {
  const token = revealed(config.operatorToken)
  const url = `${config.addr}${API}${path}`
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await tlsFetch(config.operatorsTls, OPERATORS)(url, { headers }).catch((error: unknown) => {
    refuseTls(`GET ${url}`, error)
    return null
  })
  if (answer === null) throw operatorDown(config, tried)
  if (!answer.ok || answer.body === null) throw refused(`GET ${url}`, answer.status, await answer.text())
  yield* eventsIn(answer.body as AsyncIterable<Uint8Array>)
}

/** Blocks of server-sent events; comments are left out. */
export async function* eventsIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const [, event = ''] = /^event: (.*)$/m.exec(block) ?? []
      const [, data = ''] = /^data: (.*)$/m.exec(block) ?? []
      if (data !== '') yield { event, data }
    }
  }
}
