import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { type Door, DoorError, type Telling } from '../../../operator/client/door.ts'
import { Keeper } from '../../../operator/client/keeper.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Script {
  known: boolean
  down: boolean
  refuses: boolean
  readonly asked: string[]
}

function fakeDoor(): { door: Door; script: Script } {
  const script: Script = { known: false, down: false, refuses: false, asked: [] }
  const did = (what: string) => {
    if (script.down) throw new DoorError('nobody answers', false)
    if (script.refuses) throw new DoorError('answered 400', true)
    script.asked.push(what)
  }
  const of = ({ health, note }: Telling) => `${health}${note && ` (${note})`}`
  const door: Door = {
    id: 'web-1',
    goodbye: { method: 'PUT', url: 'http://x', headers: {} },
    register: async (telling) => {
      did(`register ${of(telling)}`)
      script.known = true
    },
    renew: async (telling) => {
      did(`renew ${of(telling)}`)
      return script.known
    },
    deregister: async () => {
      did('deregister')
      script.known = false
    },
  }
  return { door, script }
}

const keeperOf = (door: Door, beatMs = 5, said: string[] = []) =>
  new Keeper({ door, beatMs, log: (message) => said.push(message) })

test('registers, renews, and registers again what was forgotten', async () => {
  const { door, script } = fakeDoor()
  const keeper = keeperOf(door)
  await keeper.start()
  await waitFor(() => script.asked.length > 2)
  deepEqual(script.asked.slice(0, 2), ['register healthy', 'renew healthy'])
  script.known = false
  await waitFor(() => script.known)
  await keeper.leave()
  equal(script.asked.at(-1), 'deregister')
})

test('what it says of itself is said again with every heartbeat, and after it was forgotten', async () => {
  const { door, script } = fakeDoor()
  const keeper = keeperOf(door)
  await keeper.start()
  await keeper.say({ health: 'degraded', note: 'disk' })
  equal(script.asked.at(-1), 'renew degraded (disk)')
  script.known = false
  await waitFor(() => script.asked.includes('register degraded (disk)'))
  await keeper.leave()
})

test('where nobody answers it starts all the same, says so once, and registers later', async () => {
  const { door, script } = fakeDoor()
  const said: string[] = []
  const keeper = keeperOf(door, 5, said)
  script.down = true
  await keeper.start()
  equal(keeper.isRegistered, false)
  await rejects(keeper.say({ health: 'degraded', note: '' }), DoorError)
  script.down = false
  await waitFor(() => keeper.isRegistered)
  await waitFor(() => said.length === 2)
  deepEqual(said, ['Consul cannot be told that this instance lives', 'heartbeats arrive again'])
  await keeper.leave()
})

test('a refusal at the start is the caller’s to hear', async () => {
  const { door, script } = fakeDoor()
  script.refuses = true
  await rejects(keeperOf(door).start(), /answered 400/)
})

test('a registration whose answer never came is taken back too', async () => {
  const { door, script } = fakeDoor()
  const keeper = keeperOf(
    {
      ...door,
      register: async (telling) => {
        await door.register(telling)
        throw new DoorError('no answer within 5 s', false)
      },
    },
    60_000,
  )
  await keeper.start()
  deepEqual([keeper.isRegistered, keeper.mayBeThere], [false, true])
  await keeper.leave()
  deepEqual([script.known, keeper.mayBeThere], [false, false])
})

test('nothing is told after it has left, and it leaves once', async () => {
  const { door, script } = fakeDoor()
  const keeper = keeperOf(door, 1)
  await keeper.start()
  await Promise.all([keeper.leave(), keeper.leave(), keeper.say({ health: 'healthy', note: '' })])
  equal(script.asked.filter((what) => what === 'deregister').length, 1)
  equal(script.known, false)
  equal(script.asked.at(-1), 'deregister')
})

test('a failed heartbeat does not hold up the leaving', async () => {
  const { door, script } = fakeDoor()
  const keeper = keeperOf(door, 1)
  await keeper.start()
  script.down = true
  await rejects(keeper.leave(), /nobody answers/)
  script.down = false
  await keeper.leave()
  equal(script.known, false)
})
