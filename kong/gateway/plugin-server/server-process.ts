/**
 * A plugin server that Kong starts itself (KONG_PLUGINSERVER_<NAME>_START_CMD): its output goes to the log, and when it
 * ends it is started again, once a second at most. Source: kong/runloop/plugin_servers/process.lua.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { GatewayLog } from '../gateway-log.ts'

export interface ServerProcess {
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>
}

const RESPAWN_MS = 1_000
const NOT_FOUND = 127

export function startServerProcess(name: string, command: string, log: GatewayLog): ServerProcess {
  let isStopped = false
  let child: ChildProcess
  let timer: NodeJS.Timeout | undefined
  let gone: Promise<void>

  function start(): void {
    const startedMs = performance.now()
    child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => log.info(line, { from: name }))
    }
    log.info('plugin server started', { server: name, pid: child.pid })
    gone = new Promise((resolve) => {
      child.once('error', (error) => {
        log.error('plugin server cannot be started', { server: name, command, error: error.message })
        resolve()
      })
      child.once('exit', (code, signal) => {
        resolve()
        if (isStopped) return
        log.error('plugin server ended', { server: name, code, signal })
        if (code === NOT_FOUND) return
        timer = setTimeout(start, Math.max(RESPAWN_MS - (performance.now() - startedMs), 0))
      })
    })
  }

  start()
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      child.kill('SIGTERM')
      return gone
    },
  }
}
