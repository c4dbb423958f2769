// What Kong 3.9.1 has sent, with bytes changed, cut out and put in: whatever comes, the server answers the next connection.
//   FUZZ_MESSAGES=1000000 npm test -- test/unit/plugin-server/mutated-recordings.test.ts   takes as many (npm run soak does)
import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PluginModule } from '../../../plugins/server/form/plugin-module.ts'
import { connectTo, hostOf, turn } from '../../support/plugin-host.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'

const MESSAGES = Number(process.env['FUZZ_MESSAGES'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261128)
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'plugin-rpc')
const module = createRequire(import.meta.url)(join(FIXTURES, 'toy-a.cjs')) as PluginModule

const recorded = ['rpc-raw.jsonl', 'rpc-recorded.jsonl']
  .map((name) => readFileSync(join(FIXTURES, name), 'utf8').trim())
  .join('\n')
  .split('\n')
  .map((line) => JSON.parse(line) as { dir?: string; hex?: string })
  .filter(({ dir, hex }) => dir === 'kong->js' && hex !== undefined)
  .map(({ hex }) => Buffer.from(hex!, 'hex'))

/** One of them with up to four changes, or bytes that are nothing. */
function mutated(random: SeededRandom): Buffer {
  if (random.chance(10))
    return Buffer.from(Array.from({ length: random.whole(1, 40) }, () => random.whole(0, 255)))
  let bytes = Buffer.from(random.pick(recorded))
  for (let change = random.whole(0, 4); change > 0; change--) {
    const at = random.whole(0, Math.max(0, bytes.length - 1))
    const kind = random.pick(['set', 'cut', 'put', 'end', 'twice'] as const)
    const odd = Buffer.of(random.chance(50) ? random.whole(0xc0, 0xdf) : random.whole(0, 255))
    if (kind === 'set') bytes = Buffer.concat([bytes.subarray(0, at), odd, bytes.subarray(at + 1)])
    if (kind === 'cut')
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.whole(1, 8))])
    if (kind === 'put') bytes = Buffer.concat([bytes.subarray(0, at), odd, bytes.subarray(at)])
    if (kind === 'end') bytes = bytes.subarray(0, at)
    if (kind === 'twice') bytes = Buffer.concat([bytes, bytes.subarray(at)])
  }
  return bytes
}

test(`no message of ${MESSAGES} throws or is kept, and the server answers on`, async () => {
  ok(recorded.length > 50, `${recorded.length} recorded messages`)
  const random = seededRandom(SEED)
  const { host, plugin, clock } = hostOf(module)
  const good = connectTo(host, plugin.name)
  let peer = connectTo(host, plugin.name)
  for (let sent = 0; sent < MESSAGES; sent++) {
    const bytes = mutated(random)
    try {
      // In pieces, as sockets bring them.
      const cut = random.chance(20) ? random.whole(0, bytes.length) : bytes.length
      peer.socket.receive(bytes.subarray(0, cut))
      if (cut < bytes.length) peer.socket.receive(bytes.subarray(cut))
    } catch (error) {
      throw new Error(`FUZZ_SEED=${SEED}, message ${sent}: ${bytes.toString('hex')}`, { cause: error })
    }
    peer.socket.take()
    if (peer.socket.destroyed || random.chance(2)) {
      peer.socket.destroy()
      peer = connectTo(host, plugin.name)
    }
    if (sent % 1_000 === 999) {
      await turn()
      // What Kong closed is in the recordings as well.
      const { result } = await good.ask('StartInstance', { Name: plugin.name, Config: '{}' })
      const answer = await good.ask('HandleEvent', { InstanceId: result.Id, EventName: 'access' })
      equal(answer.error, null)
      clock.now += 1_000
      host.sweep()
    }
  }
  peer.socket.destroy()
  await turn()
  // Nobody steps them any more.
  clock.now += 2 * 3_600_000
  host.sweep()
  equal(host.events.size, 0)
  equal(host.stats.get(plugin.name)!.connections, 1)
})
