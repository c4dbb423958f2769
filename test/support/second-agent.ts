import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findConsul } from '../../operator/setup/consul-binary.ts'
import type { TestConsul } from './consul.ts'
import { freePorts } from './free-port.ts'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

export interface SecondAgent {
  readonly url: string
  readonly node: string
  /** SIGKILL, no goodbye. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** A client agent that joins the one of the test: at 127.0.0.2, with the same HTTP port, as on another machine. */
export async function startSecondAgent(first: TestConsul): Promise<SecondAgent> {
  const binary = await findConsul({ log: () => {} })
  const [member] = (await first.request('GET', '/agent/members')) as { Addr: string; Port: number }[]
  const [lanPort] = (await freePorts(1)) as [number]
  const dataDir = mkdtempSync(join(tmpdir(), 'kongsul-agent-'))
  const node = 'second-node'
  const where = ['-bind', '127.0.0.2', '-client', '127.0.0.2', '-node', node, '-data-dir', dataDir]
  const ports = ['-http-port', first.httpPort, '-dns-port', -1, '-grpc-port', -1, '-serf-lan-port', lanPort]
  const join1 = [
    '-retry-join',
    `${member!.Addr}:${member!.Port}`,
    '-retry-interval',
    '1s',
    '-log-level',
    'err',
    '-hcl',
    'disable_update_check = true',
  ]
  const child = spawn(binary, ['agent', ...where, ...ports, ...join1].map(String), { stdio: 'ignore' })
  const url = `http://127.0.0.2:${first.httpPort}`
  const kill = () => killChild(child)
  const isIn = async () => {
    const nodes = (await (await fetch(`${url}/v1/catalog/nodes`)).json()) as { Node: string }[]
    return nodes.some(({ Node }) => Node === node)
  }
  await waitFor(isIn, { pollMs: 50, what: 'the second agent being in the catalog' })
  return {
    url,
    node,
    kill,
    stop: async () => {
      await kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
