import type { ProcessConfig } from '../../config/load-config.ts'
import type { Io } from '../io.ts'
import { openMesh } from '../read-mesh.ts'
import { errorText } from '../report-error.ts'
import { closingLines } from './closing-lines.ts'
import { LiveScreen } from './live-screen.ts'
import { meshTable } from './mesh-table.ts'
import { planPorts, type UpPortName } from './plan-ports.ts'
import { type CheckResult, runSelfTest } from './self-test.ts'
import { Stack } from './stack.ts'

export interface UpOptions {
  readonly check?: boolean
  readonly freePorts?: boolean
  readonly verbose?: boolean
}

const REDRAW_EVERY_MS = 500
const PORTS: readonly UpPortName[] = ['proxy', 'proxyTls', 'admin', 'api', 'plugins', 'feed', 'consul']

/** Runs `up` until it is told to stop, a part ends, or the self-test is over; answers the exit code. */
export async function runUp(config: ProcessConfig, options: UpOptions, io: Io): Promise<number> {
  const existingConsul = !['default', 'not set'].includes(addressSource(config))
  const ports = await planPorts({
    ports: pick(config.ports),
    chosen: new Set(PORTS.filter((name) => config.resolved.values.get(`port.${name}`)?.source !== 'default')),
    unneeded: new Set(existingConsul ? ['consul'] : []),
    freePorts: options.freePorts === true,
  })
  const end = ending()
  let screen: LiveScreen | null = null
  const say = io.format === 'json' ? io.note : io.print
  const log = (line: string) => (screen ? screen.log(line) : say(line))
  const stack = new Stack({
    config,
    ports,
    existingConsul,
    log,
    ...(options.verbose ? { onChildLine: (name: string, line: string) => log(`${name}: ${line}`) } : {}),
    onCrash: (problem) => end.because({ problem }),
  })
  try {
    await Promise.race([stack.start(), end.happened])
    if (!end.reason && options.check) {
      const run = selfTest(stack, io)
      await Promise.race([run, end.happened])
      if (!end.reason) return (await run) ? 0 : 1
    } else if (!end.reason) {
      if (io.format === 'json') io.json(addressesOf(stack))
      else if (io.isTTY) screen = new LiveScreen(process.stdout)
      else for (const line of closingLines(addressesOf(stack))) io.print(line)
      await stay(stack, io, screen, end.happened)
    }
  } catch (error) {
    // Whoever asked for the end made what was under way fail.
    if (!end.reason) end.because({ problem: errorText(error) })
  } finally {
    screen?.close()
    screen = null
    if (end.reason && 'problem' in end.reason) io.note(`kongsul up: ${end.reason.problem}`)
    if (io.isTTY) io.note('stopping everything ...')
    await stack.stop()
    end.stopListening()
  }
  return end.reason && 'problem' in end.reason ? 1 : 0
}

type EndReason = { readonly signal: string } | { readonly problem: string }

/** Why `up` ends: the first reason counts. */
function ending() {
  let resolve: () => void
  const happened = new Promise<void>((done) => {
    resolve = done
  })
  const state = {
    reason: null as EndReason | null,
    happened,
    because(reason: EndReason) {
      state.reason ??= reason
      resolve()
    },
    stopListening() {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    },
  }
  // A second Ctrl-C changes nothing: stopping takes seconds at most, and cutting it short would leave things behind.
  const onSignal = (signal: string) => state.because({ signal })
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return state
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function selfTest(stack: Stack, io: Io): Promise<boolean> {
  const results: CheckResult[] = []
  const ok = await runSelfTest(stack, (result) => {
    results.push(result)
    if (io.format === 'json') return
    const mark = result.ok ? io.paint.green('ok    ') : io.paint.red('FAILED')
    io.print(`${mark}  ${result.check} (${result.tookMs} ms)\n        ${result.detail}`)
  })
  const failed = results.filter((result) => !result.ok).length
  if (io.format === 'json') io.json({ ok, checks: results })
  else io.print(ok ? `all ${results.length} checks passed` : `${failed} of ${results.length} checks failed`)
  return ok
}

async function stay(stack: Stack, io: Io, screen: LiveScreen | null, happened: Promise<void>): Promise<void> {
  if (!screen) return happened
  const closing = ['', ...closingLines(addressesOf(stack))]
  const mesh = openMesh(stack.operatorConfig)
  let over = false
  const done = happened.then(() => {
    over = true
  })
  while (!over) {
    const table = await meshTable(mesh, stack, io)
    if (!over) screen.draw(table, closing)
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, REDRAW_EVERY_MS))])
  }
  mesh.close()
}

function addressesOf(stack: Stack) {
  const { proxyUrl, adminUrl, apiUrl, consulUrl, hostSuffix } = stack
  const prefix = stack.instances[0]?.sample.service.replace(/web$/, '') ?? ''
  const failing = stack.instances.find(({ sample }) => sample.id === `${prefix}api-3`)
  return { proxyUrl, adminUrl, apiUrl, consulUrl, hostSuffix, prefix, failingPort: failing?.port ?? 0 }
}

const pick = (ports: ProcessConfig['ports']) =>
  Object.fromEntries(PORTS.map((name) => [name, ports[name]])) as Record<UpPortName, number>

/** An address that somebody gave means: there is a Consul. One that follows port.consul means: start it there. */
function addressSource(config: ProcessConfig): string {
  const { source } = config.resolved.values.get('consul.address')!
  return source.startsWith('port.consul') ? 'default' : source
}
