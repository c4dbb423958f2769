import http from 'node:http'
import type { Socket } from 'node:net'
import { tlsAgent } from '../secrets/tls-agent.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'

/** Connections that are needed no more are given back after this time, also between two renewals; Consul never closes them. */
const IDLE_MS = 1_000

/**
 * The keep-alive agent of all reads. Connections: the long-lived ones and as many short ones as reads in flight;
 * Consul allows 200 per client.
 */
export function connectionAgent(url: string, tls?: TlsConfig): http.Agent {
  const options = { keepAlive: true, maxSockets: 24, maxFreeSockets: 12 }
  const agent = url.startsWith('https:') ? tlsAgent(options, tls, 'consul') : new http.Agent(options)
  return reportingCutAnswers(closingIdle(agent))
}

function closingIdle<A extends http.Agent>(agent: A): A {
  const freedMs = new WeakMap<Socket, number>()
  agent.on('free', (socket: Socket) => {
    const nowMs = performance.now()
    freedMs.set(socket, nowMs)
    setTimeout(() => {
      const isFree = Object.values(agent.freeSockets).some((free) => free?.includes(socket))
      if (isFree && freedMs.get(socket) === nowMs) socket.destroy()
    }, IDLE_MS).unref()
  })
  return agent
}

interface RequestTaker {
  addRequest(request: http.ClientRequest, ...rest: unknown[]): void
}

/**
 * papi (under the `consul` package) listens for errors of the request only: an agent that dies in the middle of an
 * answer would leave the read waiting for its timeout. Here such an answer fails its request at once.
 */
function reportingCutAnswers<A extends http.Agent>(agent: A): A {
  const taker = agent as unknown as RequestTaker
  const addRequest = taker.addRequest.bind(agent)
  taker.addRequest = (request, ...rest) => {
    request.once('response', (response) => {
      response.once('aborted', () => request.emit('error', new Error('the answer was cut short')))
    })
    addRequest(request, ...rest)
  }
  return agent
}
