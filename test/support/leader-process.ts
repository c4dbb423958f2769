// A process that takes part in an election and does nothing else. Serves /healthz, asks isLeader() every few ms as
// an operator that writes would, and prints what changes as JSON lines, with times comparable between processes.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startElection } from '../../operator/leader/election.ts'
import { createLogger } from '../../operator/telemetry/logger.ts'

interface Options {
  readonly consul: string
  readonly mesh: string
  readonly id: string
  readonly port: number
  readonly advertise: 'own' | 'none' | string
  readonly headers: boolean
}

const { consul, mesh, id, port, advertise, headers } = JSON.parse(process.argv[2]!) as Options
const print = (line: object) => process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...line })}\n`)

const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(headers ? election.healthHeaders(request.headers) : {})) {
    response.setHeader(name, value)
  }
  response.end('ok')
})
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
const own = `127.0.0.1:${(server.address() as AddressInfo).port}`

const election = startElection({
  consul: { url: consul },
  mesh,
  operatorId: id,
  advertise: advertise === 'own' ? own : advertise === 'none' ? null : advertise,
  version: '0.0.0',
  log: createLogger({ level: 'debug' }),
})
print({ type: 'started', address: own })

let claims = false
let askedAt = Date.now()
const ask = () => {
  const now = Date.now()
  const was = claims
  claims = election.isLeader()
  if (now - askedAt > 1000) print({ type: 'woke', claims })
  if (claims !== was) print({ type: 'claims', claims })
  askedAt = now
}
election.onChange((leading) => {
  ask()
  print({ type: 'changed', leading, leader: election.leader()?.id ?? null })
})
setInterval(ask, 5)
process.on('SIGCONT', ask)
process.on('SIGTERM', async () => {
  await election.stop()
  print({ type: 'stopped' })
  process.exit(0)
})
