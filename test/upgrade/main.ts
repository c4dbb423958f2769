// `npm run test:upgrade -- COMMIT`: from the kongsul of an earlier commit to this one and back, two operators, one at a time, under 200
// requests a second. Nothing may fail, be taken for somebody's edit, or be left to do.
import { deepEqual } from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../support/free-port.ts'
import { Mesh } from '../support/mesh.ts'
import { startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const root = join(import.meta.dirname, '..', '..')
const [commit] = process.argv.slice(2)
if (commit === undefined) {
  console.error('name the commit of the earlier version: npm run test:upgrade -- COMMIT')
  process.exit(64)
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
const folder = mkdtempSync(join(tmpdir(), 'kongsul-upgrade-'))
const earlier = join(folder, 'earlier')

const children: ChildProcess[] = []

interface Running {
  readonly url: string
  stop(): Promise<void>
}

/** An operator of the version in `from`, ready. */
async function startOperator(mesh: Mesh, from: string, port: number): Promise<Running> {
  const child = spawn(process.execPath, [join(from, 'operator', 'cli', 'kongsul.mjs'), 'operator'], {
    env: {
      ...process.env,
      CONSUL_HTTP_ADDR: mesh.consul.url,
      KONG_ADMIN_URL: mesh.adminUrl,
      KONG_PROXY_URL: mesh.proxyUrl,
      KONGSUL_MESH: mesh.name,
      KONGSUL_PORT_API: `${port}`,
      KONGSUL_EXPOSE_DEFAULT: 'all',
      KONGSUL_KONG_SNAPSHOT_DIR: 'off',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  let printed = ''
  child.stderr.on('data', (chunk) => {
    printed += chunk
  })
  const gone = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const isReady = async () =>
    child.exitCode === null ? (await fetch(`${url}/readyz`)).ok : Promise.reject(new Error(printed))
  await waitFor(isReady, { deadlineMs: 60_000, what: `the operator of ${from}` })
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}

const ask = async (url: string, path: string) =>
  (await (await fetch(`${url}/api/v1/mesh/v2${path}`)).json()) as {
    changes: unknown[]
    overrides: { field: string }[]
    leading: boolean
  }

/** In step, and the one edit that was made by hand is the only one. */
async function settled({ url }: Running, stage: string): Promise<void> {
  let plan = await ask(url, '/plan')
  const isDone = async () => {
    plan = await ask(url, '/plan')
    return plan.changes.length === 0 || Promise.reject(new Error(JSON.stringify(plan.changes).slice(0, 1000)))
  }
  await waitFor(isDone, { pollMs: 100, what: `${stage}: an empty plan` })
  deepEqual(
    plan.overrides.map(({ field }) => field),
    ['connect_timeout'],
    `${stage}: overrides`,
  )
  console.log(`${stage}: nothing to do, one override, which is the one made by hand`)
}

async function leads({ url }: Running): Promise<void> {
  await waitFor(async () => (await ask(url, '/status')).leading, { what: `${url} leading` })
}

async function run(mesh: Mesh): Promise<void> {
  const [one, other] = (await freePorts(2)) as [number, number]
  let first = await startOperator(mesh, earlier, one)
  await leads(first)
  let second = await startOperator(mesh, earlier, other)
  const service = mesh.service('web')
  await mesh.setKv(`mesh/services/${service}`, {
    loadBalancing: { strategy: 'least_connections' },
    timeouts: { readMs: 5000 },
  })
  await mesh.deploy(service, 3)
  await mesh.deploy(mesh.service('api'), 2, { tags: ['blue'] })
  await mesh.admin('PATCH', `/services/mesh.${service}`, { connect_timeout: 1234 })
  await fetch(`${first.url}/api/v1/mesh/v2/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const traffic = startTraffic({
    url: `${mesh.proxyUrl}/`,
    headers: () => ({ host: `${service}.mesh` }),
    perSecond: 200,
  })
  /** A change of each kind that the version in charge has to make. */
  const changed = async (readMs: number) => {
    const { name, port } = await mesh.startInstance(`${service}-${readMs}`)
    await mesh.register({ id: name, name: service, port })
    await mesh.setKv(`mesh/services/${service}`, {
      loadBalancing: { strategy: 'least_connections' },
      timeouts: { readMs },
    })
    const isTaken = async () => {
      const { body } = await mesh.admin('GET', `/services/mesh.${service}`)
      const targets = await mesh.targets(service)
      return body.read_timeout === readMs && targets.some(({ target }) => target === `127.0.0.1:${port}`)
    }
    await waitFor(isTaken, { what: `a read timeout of ${readMs} and one more target` })
  }
  await settled(first, 'earlier, earlier')
  await second.stop()
  second = await startOperator(mesh, root, other)
  await settled(second, 'earlier leads, this one follows')
  await changed(5001)
  await first.stop()
  await leads(second)
  await settled(second, 'this one leads')
  first = await startOperator(mesh, earlier, one)
  await changed(5002)
  await settled(first, 'this one leads, earlier follows')
  await first.stop()
  first = await startOperator(mesh, root, one)
  await settled(first, 'both are this one')
  await first.stop()
  first = await startOperator(mesh, earlier, one)
  await second.stop()
  await leads(first)
  await changed(5003)
  second = await startOperator(mesh, earlier, other)
  await settled(first, 'both are the earlier one again')
  const shots = await traffic.stop()
  const failed = shots.filter(({ status }) => status !== 200)
  console.log(`${failed.length} of ${shots.length} requests failed`)
  deepEqual(failed, [])
  await second.stop()
  await first.stop()
}

git('worktree', 'add', '--detach', earlier, commit)
try {
  const lock = (where: string) => readFileSync(join(where, 'package-lock.json'), 'utf8')
  const isSame = lock(root) === lock(earlier)
  if (isSame) symlinkSync(join(root, 'node_modules'), join(earlier, 'node_modules'))
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: earlier, stdio: 'ignore' })
  execFileSync(process.execPath, [join('operator', 'setup', 'build.mjs')], { cwd: earlier, stdio: 'ignore' })
  console.log(`${git('rev-parse', '--short', commit)} -> ${git('rev-parse', '--short', 'HEAD')} -> back`)
  const mesh = await Mesh.start()
  try {
    await run(mesh)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await mesh.stop()
  }
} finally {
  git('worktree', 'remove', '--force', earlier)
  rmSync(folder, { recursive: true, force: true })
}
