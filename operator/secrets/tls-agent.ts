import type http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { isSameTls, type TlsConfig, tlsOptions } from './tls-options.ts'
import { tlsRemedy } from './tls-remedy.ts'

/** What every agent of Node has and its types do not tell. */
interface RequestTaker {
  addRequest(request: http.ClientRequest, ...rest: unknown[]): void
  createConnection(...given: unknown[]): Socket | undefined
}

/**
 * An agent whose connections are made with what the files of `tls` hold at that moment; those made with what they held
 * before are not used again. Errors of TLS say which setting mends them.
 * @param prefix of the settings that `tls` is of, e.g. `kong`
 */
export function tlsAgent(
  options: https.AgentOptions,
  tls: TlsConfig | undefined,
  prefix: string,
): https.Agent {
  let made = tlsOptions(tls)
  const agent = new https.Agent({ ...options, ...made })
  const taker = agent as unknown as RequestTaker
  const addRequest = taker.addRequest.bind(agent)
  taker.addRequest = (request, ...rest) => {
    const now = tlsOptions(tls)
    if (!isSameTls(made, now)) {
      made = now
      // The name under which an agent keeps connections holds all of these.
      Object.assign(agent.options, { ca: undefined, cert: undefined, key: undefined }, now)
      for (const free of Object.values(agent.freeSockets)) for (const socket of free ?? []) socket.destroy()
    }
    addRequest(request, ...rest)
  }
  const createConnection = taker.createConnection.bind(agent)
  taker.createConnection = (...given) => {
    const socket = createConnection(...given)
    // Before anybody else hears of it.
    socket?.once('error', (error) => explainTls(error, prefix))
    return socket
  }
  return agent
}

/** Adds to the message of an error of TLS what mends it. */
export function explainTls(error: NodeJS.ErrnoException, prefix: string): void {
  const remedy = tlsRemedy(error, prefix)
  if (remedy === '' || error.message.endsWith(remedy)) return
  error.message = `${error.message.trim()}; ${remedy}`
}
