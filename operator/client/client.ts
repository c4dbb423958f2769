// `kongsul/client`: a Node service joins the mesh. Bundled by setup/build.mjs into one file that needs nothing but Node.
// May import plugins/propagation, plugins/spans, plugins/export and operator/identity, and no package.
import { readFileSync } from 'node:fs'
import own from '../../package.json' with { type: 'json' }
import { OtlpExporter, tracesUrl } from '../../plugins/export/otlp-exporter.ts'
import { asJson } from '../../plugins/export/otlp-json.ts'
import { createRandomSource } from '../../plugins/propagation/ids.ts'
import type { Span } from '../../plugins/spans/span.ts'
import { agentDoor } from './agent-door.ts'
import { type JoinSettings, joinSettings } from './join-settings.ts'
import { Keeper } from './keeper.ts'
import { type Leaver, leaveOnExit } from './leave-on-exit.ts'
import { installAxios } from './mesh-axios.ts'
import { meshFetch } from './mesh-fetch.ts'
import { meshRequest } from './mesh-request.ts'
import { operatorDoor } from './operator-door.ts'
import { ownAddress } from './own-address.ts'
import type { JoinOptions, Mesh } from './public-types.ts'
import { handlerOf, middlewareOf } from './serve.ts'
import { Signer } from './signer.ts'
import { Tracing } from './tracing.ts'

export type * from './public-types.ts'

/**
 * Registers a service that listens already, and keeps it registered until it leaves. Where the agent cannot be reached,
 * this answers all the same, and the registration is made as soon as it can.
 * @throws TypeError naming an option that is wrong; DoorError when Consul or the operator refuses
 */
export async function join(options: JoinOptions): Promise<Mesh> {
  const settings = joinSettings(options, process.env)
  const log = options.log ?? logToStderr
  const { service, port, forward, samplingRate, proxy, hostSuffix, leaveDelayMs } = settings
  const kept = options.register === false ? null : await enrol(settings, log)
  const address = kept?.address ?? settings.address ?? '127.0.0.1'
  const id = kept?.door.id ?? settings.id ?? `${service}-${address}-${port}`

  const exporter = exporterOf(settings, id, log)
  const record = exporter === null ? null : (span: Span) => exporter.add([span])
  const tracing = new Tracing({ forward, samplingRate, random: createRandomSource(), record })
  const signer =
    settings.identity === null
      ? null
      : new Signer({
          identity: settings.identity,
          nowMs: Date.now,
          onFault: (error) => log('the identity cannot be read again: the last key goes on', { error }),
        })
  const calling = { tracing, signer, proxy, hostSuffix }
  const leaver: Leaver = {
    leave: async () => await kept?.keeper.leave(),
    flush: async () => await exporter?.stop(),
    goodbye: () => (kept?.keeper.mayBeThere ? kept.door.goodbye : null),
    leaveDelayMs: kept === null ? 0 : leaveDelayMs,
  }
  const letBe = settings.leaveOnExit ? leaveOnExit(leaver) : () => {}
  return {
    id,
    service,
    address,
    port,
    get isRegistered() {
      return kept?.keeper.isRegistered ?? false
    },
    status: async (health, note = '') => {
      if (kept === null) throw new TypeError('status: something else registers this instance')
      if (settings.check !== null) throw new TypeError('status: Consul asks this instance by itself (check)')
      await kept.keeper.say({ health, note })
    },
    leave: async () => {
      letBe()
      try {
        await leaver.leave()
      } finally {
        await leaver.flush()
      }
    },
    middleware: middlewareOf(tracing, record),
    handler: handlerOf(tracing, record),
    fetch: meshFetch(calling),
    request: (url, given, callback) => meshRequest(calling, url, given, callback),
    axios: (instance) => installAxios(calling, instance),
    identityHeaders: () => (signer === null ? {} : { authorization: signer.authorization() }),
    traceHeaders: () => tracing.headers(),
    trace: (headers, work) => tracing.run(lowerNames(headers), () => work()),
  }
}

async function enrol(settings: JoinSettings, log: Log) {
  const token = settings.token ?? readToken(settings.tokenFile)
  const address = settings.address ?? (await ownAddress(settings, token))
  const door = (settings.door.kind === 'agent' ? agentDoor : operatorDoor)(settings, address, token)
  const everySeconds = settings.check?.intervalSeconds ?? settings.ttlSeconds / 3
  const keeper = new Keeper({ door, beatMs: everySeconds * 1000, log })
  await keeper.start()
  return { address, door, keeper }
}

type Log = NonNullable<JoinOptions['log']>

function exporterOf(
  { otlp, otlpHeaders, service }: JoinSettings,
  id: string,
  log: Log,
): OtlpExporter<Span> | null {
  if (otlp === undefined) return null
  const warn = (message: string, fields: Readonly<Record<string, unknown>> = {}) => log(message, fields)
  const resource = { 'service.name': service, 'service.instance.id': id }
  return new OtlpExporter<Span>({
    name: new URL(otlp).host,
    url: tracesUrl(otlp),
    headers: () => otlpHeaders,
    encode: asJson({ resource, version: own.version }),
    log: { debug: () => {}, info: () => {}, warn, error: warn },
  })
}

function readToken(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8').trim()
}

function logToStderr(message: string, fields: Readonly<Record<string, unknown>>): void {
  const rest = Object.entries(fields).map(([name, value]) => {
    return ` ${name}=${value instanceof Error ? value.message : String(value)}`
  })
  process.stderr.write(`kongsul: ${message}${rest.join('')}\n`)
}

function lowerNames<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
