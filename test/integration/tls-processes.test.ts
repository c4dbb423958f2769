// The whole of kongsul as people run it, each connection through TLS that asks for a certificate: operators, plugins and
// commands as processes, and everything that is in files renewed while they run.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../support/free-port.ts'
import { type KongsulProcess, runKongsul, startKongsul } from '../support/kongsul-process.ts'
import { type Certificate, makeCertificate } from '../support/make-certificate.ts'
import type { Mesh } from '../support/mesh.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { descendants } from '../support/process-tree.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { startTlsDoor, type TlsDoor } from '../support/tls-door.ts'
import { waitFor } from '../support/wait-for.ts'

const MARK = 'marked-secret'
const authorityOf = (name: string) => makeCertificate([name], { isAuthority: true })
const [ours, theirs] = [authorityOf('ours'), authorityOf('theirs')]
const both = `${ours.cert}\n${theirs.cert}`
const signed = (name: string, by: Certificate) => makeCertificate([name], { by })

const folder = mkdtempSync(join(tmpdir(), 'kongsul-tls-'))
const at = (name: string) => join(folder, name)
const write = (texts: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(texts)) writeFileSync(at(name), text)
}
/** Tokens and headers of one time: `feed-1` and so on. */
const writeSecrets = (time: number) => {
  const secret = (name: string) => `${MARK}-${name}-${time}`
  write({
    feed: secret('feed'),
    consul: secret('consul'),
    webhook: secret('webhook'),
    export: `Bearer ${secret('export')}`,
    headers: `X-Ours: ${secret('headers')}`,
    access: `alice write ${secret('access')}`,
    token: secret('access'),
  })
}
/** What every process shows now. */
let shown = signed('first', ours)
const made: Certificate[] = [shown]
const show = (name: string, by: Certificate) => {
  shown = signed(name, by)
  made.push(shown)
  write({ 'client.pem': shown.cert, 'client.key': shown.key })
}
const tlsOf = (prefix: string): Record<string, string> => ({
  [`KONGSUL_${prefix}_CA_FILE`]: at('ca.pem'),
  [`KONGSUL_${prefix}_CERT_FILE`]: at('client.pem'),
  [`KONGSUL_${prefix}_KEY_FILE`]: at('client.key'),
})

let processes: ProcessMesh
let mesh: Mesh
let alertmanager: ScriptedServer
let collector: ScriptedServer
const doors = new Map<string, TlsDoor>()
const doorTo = async (name: string, port: number): Promise<string> => {
  const door = await startTlsDoor(port, signed('localhost', ours), both)
  doors.set(name, door)
  return `https://localhost:${door.port}`
}
const portOf = (url: string) => Number(new URL(url).port)
const urlOf = (name: string) => `https://localhost:${doors.get(name)!.port}`
/** Who came in last. */
const lastAt = (name: string) => doors.get(name)!.let.at(-1)

let consulTls: number
let second: { readonly url: string; readonly process: KongsulProcess }
let operatorEnv: Record<string, string>
before(async () => {
  write({ 'ca.pem': both, 'client.pem': shown.cert, 'client.key': shown.key })
  const agent = signed('localhost', ours)
  write({ 'agent-ca.pem': both, 'agent.pem': agent.cert, 'agent.key': agent.key })
  writeSecrets(1)
  ;[alertmanager, collector] = await Promise.all([startScriptedServer(), startScriptedServer()])
  const [https] = (await freePorts(1)) as [number]
  consulTls = https
  processes = await startProcessMesh({
    meshOptions: {
      config: {
        ports: { https },
        ...{ ca_file: at('agent-ca.pem'), cert_file: at('agent.pem'), key_file: at('agent.key') },
        verify_incoming_https: true,
      },
    },
    toOperator: (url) => doorTo('operator', portOf(url)),
    pluginsEnv: {
      ...tlsOf('OPERATORS'),
      ...tlsOf('OTLP'),
      KONGSUL_FEED_TOKEN: '',
      KONGSUL_FEED_TOKEN_FILE: at('feed'),
      OTEL_EXPORTER_OTLP_ENDPOINT: await doorTo('collector', collector.port),
      KONGSUL_OTLP_HEADERS_FILE: at('headers'),
      KONGSUL_LOG_LEVEL: 'debug',
    },
    operatorEnv: async (of) => {
      mesh = of
      operatorEnv = {
        ...Object.assign({}, ...['CONSUL', 'KONG', 'ALERTS', 'TRACES_EXPORT', 'OPERATORS'].map(tlsOf)),
        CONSUL_HTTP_ADDR: `https://localhost:${consulTls}`,
        CONSUL_HTTP_TOKEN_FILE: at('consul'),
        KONG_ADMIN_URL: await doorTo('kong', portOf(mesh.adminUrl)),
        KONGSUL_ALERTS_WEBHOOK: await doorTo('alertmanager', alertmanager.port),
        KONGSUL_ALERTS_WEBHOOK_TOKEN_FILE: at('webhook'),
        KONGSUL_TRACES_EXPORT_URL: await doorTo('export', collector.port),
        KONGSUL_TRACES_EXPORT_AUTHORIZATION_FILE: at('export'),
        KONGSUL_FEED_TOKEN: '',
        KONGSUL_FEED_TOKEN_FILE: at('feed'),
        KONGSUL_ACCESS_TOKEN_FILES: at('access'),
        KONGSUL_OPERATOR_ADVERTISE: urlOf('operator'),
        KONGSUL_LOG_LEVEL: 'debug',
      }
      return operatorEnv
    },
  })
  // A door of its own, whose port has to be known before.
  const [port] = (await freePorts(1)) as [number]
  const advertised = await doorTo('second', port)
  const env = { ...operatorEnv, KONGSUL_OPERATOR_ADVERTISE: advertised, KONGSUL_PORT_API: `${port}` }
  const process = startKongsul(['operator'], { ...meshEnv(), ...env })
  second = { url: `http://127.0.0.1:${port}`, process }
  await waitFor(async () => (await fetch(`${second.url}/readyz`)).ok, { what: 'the second operator' })
})
after(async () => {
  await second?.process.stop()
  await processes?.stop()
  await Promise.all([...doors.values()].map((door) => door.close()))
  await Promise.all([alertmanager?.close(), collector?.close()])
  rmSync(folder, { recursive: true, force: true })
})

const meshEnv = (): Record<string, string> => ({
  KONG_PROXY_URL: mesh.proxyUrl,
  KONGSUL_MESH: mesh.name,
  KONGSUL_EXPOSE_DEFAULT: 'all',
})

const commandEnv = (): Record<string, string> => ({
  ...tlsOf('OPERATORS'),
  KONGSUL_ADDR: urlOf('operator'),
  KONGSUL_TOKEN_FILE: at('token'),
})
const run = (...args: string[]) => runKongsul(args, commandEnv())
/** Headers of the newest request at a collector that have what is asked for. */
const newestWith = (header: string) =>
  collector.seen.findLast(({ headers }) => header in headers)?.headers[header]
const alerted = () => alertmanager.seen.at(-1)?.headers.authorization
/** Something to alert of: a service without a healthy instance. */
const makeAlert = async (name: string) => {
  const service = mesh.service(name)
  const check = [{ CheckID: `${service}-ttl`, TTL: '600s', Status: 'critical' }]
  await mesh.register({ id: service, name: service, port: 9, checks: check })
}

/** Everything that there is to ask and to tell goes through: by a new service, its traffic, an alert and a command. */
async function allWorks(name: string): Promise<void> {
  const service = mesh.service(name)
  const spans = collector.seen.length
  await processes.deploy(service, 1, { circuitBreaker: { minimumCalls: 5 } })
  await waitFor(() => collector.seen.length > spans + 1, { what: 'spans at the collectors' })
  const outcomes = async () => (await run('top', '--once', '-o', 'json')).stdout.includes(service)
  await waitFor(outcomes, { what: 'outcomes at the operator', pollMs: 200 })
  await makeAlert(`alert-${name}`)
  const before = alertmanager.seen.length
  await waitFor(() => alertmanager.seen.length > before, { what: 'an alert', deadlineMs: 90_000 })
}

test('a mesh works whose every door asks for a certificate', async () => {
  await allWorks('one')
  for (const name of ['operator', 'collector', 'kong', 'alertmanager', 'export'])
    equal(lastAt(name), 'first', name)
  deepEqual([alerted(), newestWith('x-ours')], [`Bearer ${MARK}-webhook-1`, `${MARK}-headers-1`])
  equal(newestWith('authorization'), `Bearer ${MARK}-export-1`)
})

test('a follower hands on to the leader through its door', async () => {
  const headers = { authorization: `Bearer ${MARK}-access-1`, 'content-type': 'application/json' }
  const leads = async (url: string) => {
    const answer = await fetch(`${url}/api/v1/mesh/v2/status?services=false`, { headers })
    return ((await answer.json()) as { leading: boolean }).leading
  }
  const operators = [
    { url: mesh.apiUrl, door: 'operator' },
    { url: second.url, door: 'second' },
  ]
  const handedOn = async () => {
    const [first, other] = await Promise.all(operators.map(({ url }) => leads(url)))
    if (first === other) return null // nobody leads for a moment
    const [leader, follower] = first ? operators : operators.toReversed()
    const before = doors.get(leader!.door)!.let.length
    const path = '/api/v1/mesh/v2/apply'
    const body = JSON.stringify({ service: mesh.service('one') })
    const answer = await fetch(`${follower!.url}${path}`, { method: 'POST', headers, body })
    return answer.status === 200 && doors.get(leader!.door)!.let.length > before
  }
  await waitFor(handedOn, { what: 'the leader doing what the follower was asked', pollMs: 100 })
})

test('a command without a certificate says which setting is missing, and one without the authority as well', async () => {
  const { KONGSUL_OPERATORS_CERT_FILE: _, KONGSUL_OPERATORS_KEY_FILE: __, ...bare } = commandEnv()
  const bared = await runKongsul(['services'], bare)
  equal(bared.code, 1)
  match(
    bared.stderr,
    /what to do: it asks for a client certificate: give one in operators\.certFile and operators\.keyFile/,
  )
  const { KONGSUL_OPERATORS_CA_FILE: ___, ...unknown } = commandEnv()
  const refused = await runKongsul(['events'], unknown)
  equal(refused.code, 1)
  match(refused.stderr, /what to do: .*give the authority's in operators\.caFile/)
})

test('certificates and tokens are renewed without a restart', async () => {
  show('second', theirs)
  writeSecrets(2)
  // The first authority is believed no more, on either side.
  for (const door of doors.values()) door.renew(signed('localhost', theirs), theirs.cert)
  await allWorks('two')
  for (const name of ['operator', 'collector', 'kong', 'alertmanager', 'export'])
    equal(lastAt(name), 'second', name)
  deepEqual([alerted(), newestWith('x-ours')], [`Bearer ${MARK}-webhook-2`, `${MARK}-headers-2`])
  equal(newestWith('authorization'), `Bearer ${MARK}-export-2`)
})

test('a pair that does not belong together is not used, and said', async () => {
  const before = { 'client.pem': shown.cert, 'client.key': shown.key }
  const [one, other] = [signed('third', theirs), signed('fourth', theirs)]
  made.push(other)
  write({ 'client.pem': one.cert, 'client.key': other.key })
  // Processes that run go on; a command that starts is told.
  const { code, stderr } = await run('services')
  equal(code, 1)
  match(
    stderr,
    /operators\.keyFile \(environment KONGSUL_OPERATORS_KEY_FILE\): .*is not the key of the certificate/,
  )
  await mesh.deploy(mesh.service('three'), 1)
  ok(!doors.get('kong')!.let.includes('third'))
  const said = /FILE_NOT_USED.*kong\.keyFile.*is not the key of the certificate/
  await waitFor(() => said.test(mesh.operator.output()), { what: 'it being said' })
  write(before)
})

test('nothing of it is in a log, in what commands print, or in the environment of a working process', async () => {
  for (const command of ['status', 'config process', 'doctor', 'services']) await run(...command.split(' '))
  const printed = await Promise.all(
    ['status', 'config process', 'doctor'].map(async (command) => {
      const { stdout, stderr } = await runKongsul(command.split(' '), { ...operatorEnv, ...commandEnv() })
      return stdout + stderr
    }),
  )
  const workers = descendants(processes.plugins.pid).map(({ pid }) =>
    readFileSync(`/proc/${pid}/environ`, 'utf8'),
  )
  equal(workers.length, 2)
  const texts = [
    mesh.operator.output(),
    second.process.output(),
    processes.plugins.output(),
    ...printed,
    ...workers,
  ]
  const lines = made.map(({ key }) => key.trim().split('\n').at(-2)!)
  const secrets = [`${MARK}-`, ...lines]
  ok(lines.every((line) => line.length > 20))
  for (const text of texts) {
    ok(text.length > 100)
    const found = secrets.find((each) => text.includes(each))
    const where = found === undefined ? 0 : text.indexOf(found)
    equal(found, undefined, text.slice(Math.max(0, where - 200), where + 50))
  }
  match(mesh.operator.output(), /files were read again/)
})
