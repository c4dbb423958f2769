import type { ProcessConfig } from '../config/load-config.ts'
import { durationMs, pauseFor, pauseKey, pausesIn, pauseText, WHOLE_MESH } from '../core/pause.ts'
import { agentApi } from './agent-api.ts'
import { callOperator } from './call-operator.ts'
import { CliError } from './cli-error.ts'

/** As the operator's API answers. */
export interface PauseState {
  readonly service: string
  readonly paused: boolean
  readonly reason?: string
  readonly by?: string
  readonly since?: string | null
  readonly until?: string | null
  /** A pause of the whole mesh holds it, not one of its own. */
  readonly whole_mesh?: boolean
}

export interface PauseWish {
  readonly service: string
  readonly for: string
  readonly reason: string
  readonly by: string
}

type Note = (line: string) => void

/** Pauses a service, `*` the whole mesh; with the operator down straight in KV, where it finds it. */
export async function pause(config: ProcessConfig, wish: PauseWish, note: Note): Promise<PauseState> {
  const { service, ...body } = wish
  const lasts = durationMs(body.for)
  if (lasts === null) {
    throw new CliError('BAD_OPTION', {
      tried: 'reading --for',
      answer: `${JSON.stringify(body.for)} is no duration above 0`,
      remedy: 'give for example --for 90s, 30m, 1h30m or 2d',
    })
  }
  const answer = await callOperator<PauseState>(config, 'PUT', pathOf(service, 'pause'), body)
  if (answer !== null) return answer
  note(`no operator answers at ${config.addr}: writing to Consul directly`)
  const now = Date.now()
  const { reason, by } = body
  const set = { service, reason, by, sinceMs: now, untilMs: now + lasts }
  await withKv(config, async (agent) => {
    const isKnown = service === WHOLE_MESH || (await agent.serviceNames()).includes(service)
    if (!isKnown) note(`Consul has no service ${service}: the pause is for when it comes`)
    await agent.writeKey(pauseKey(service), pauseText(set))
  })
  return { service, paused: true, reason, by, since: iso(now), until: iso(now + lasts) }
}

/** Ends the pause of a service; that of the whole mesh, if there is one, still holds it and is told. */
export async function resume(config: ProcessConfig, service: string, note: Note): Promise<PauseState> {
  const answer = await callOperator<PauseState>(config, 'PUT', pathOf(service, 'resume'), {})
  if (answer !== null) return answer
  note(`no operator answers at ${config.addr}: writing to Consul directly`)
  return await withKv(config, async (agent) => {
    await agent.deleteKey(pauseKey(service))
    const text = await agent.readKey(pauseKey(WHOLE_MESH))
    const rows = new Map(text === undefined ? [] : [[pauseKey(WHOLE_MESH), { text, index: 0 }]])
    const left = pauseFor(pausesIn(rows, Date.now()), service)
    if (left === null) return { service, paused: false }
    const { reason, by, sinceMs, untilMs } = left
    const times = { since: iso(sinceMs), until: iso(untilMs) }
    return { service, paused: true, reason, by, ...times, whole_mesh: left.service !== service }
  })
}

/** What `pause` and `resume` print for people. */
export function pauseLine({ service, paused, reason, by, until, whole_mesh }: PauseState): string {
  const what = service === WHOLE_MESH ? 'The whole mesh' : service
  if (!paused) return `${what} is not paused now: what differs is written to Kong.`
  const details = [
    until ? `until ${until}` : 'until it is resumed',
    by && `by ${by}`,
    reason && `(${reason})`,
  ]
  const isMesh = service === WHOLE_MESH || whole_mesh === true
  const how = whole_mesh === true ? 'paused with the whole mesh' : 'paused'
  const told = `${what} is ${how} ${details.filter(Boolean).join(' ')}: nothing of it is written to Kong.`
  return `${told} kongsul plan shows what waits; kongsul resume${isMesh ? '' : ` ${service}`} ends it.`
}

const pathOf = (service: string, what: string): string => `/services/${encodeURIComponent(service)}/${what}`

async function withKv<T>(
  config: ProcessConfig,
  work: (agent: ReturnType<typeof agentApi>) => Promise<T>,
): Promise<T> {
  const agent = agentApi(config.operator.consul)
  try {
    return await work(agent)
  } finally {
    agent.close()
  }
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
