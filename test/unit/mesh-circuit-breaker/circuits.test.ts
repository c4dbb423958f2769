import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../../../plugins/agent/instance-places.ts'
import { type CircuitSurroundings, Circuits } from '../../../plugins/mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'

const A = '10.0.0.1:80'
const WALL_MS = 1_000_000

/** Circuits on a clock that stands until it is moved, with all they tell. */
function start() {
  const clock = { ms: 0 }
  const told: string[] = []
  let mesh: CircuitSurroundings | null = null
  const places: Place[] = []
  /** What is different for other circuits than that of the service. */
  const others = new Map<string, Partial<CircuitSurroundings>>()
  const circuits = new Circuits({
    nowMs: () => clock.ms,
    wallNowMs: () => WALL_MS + clock.ms,
    random: () => 0,
  })
  circuits.connect(
    {
      transition: ({ instance, from, to }) => told.push(`${instance ?? 'service'} ${from}>${to}`),
      rotation: (upstream, instance, isIn) => {
        const where = upstream === 'web.mesh' ? '' : `${upstream} `
        told.push(`${where}${instance} ${isIn ? 'in' : 'out'}`)
      },
      stray: (upstream, instance) => told.push(`${upstream} ${instance} astray`),
      refused: (key, errors) => told.push(`refused ${key} ${errors.length > 0}`),
    },
    {
      surroundings: (key) => (mesh === null ? null : { ...mesh, ...(others.get(key) ?? {}) }),
      elsewhere: (upstream, instance) =>
        places.filter((each) => each.upstream !== upstream && each.health.has(instance)),
    },
  )
  return {
    circuits,
    clock,
    told,
    others,
    configure: (settings: object, key = 's1', serviceId = 's1', instanceId: number | null = null) =>
      circuits.configure({
        key,
        serviceId,
        instanceId,
        settings: settings as Readonly<Record<string, unknown>>,
        refusal: { status: null, body: null, headers: {} },
      }),
    mesh: (over: Partial<CircuitSurroundings> = {}) => {
      const health = new Map([1, 2, 3].map((n) => [`10.0.0.${n}:80`, 'healthy'] as const))
      const none = { ejectedUntilMs: new Map(), outElsewhere: new Map() }
      mesh = { service: 'web', upstream: 'web.mesh', mode: 'auto', ...none, health, ...over }
      circuits.meshChanged(null)
    },
    /** An upstream with these instances; those of `web.mesh` are in it as well. */
    alsoIn: (upstream: string, ...instances: string[]) =>
      places.push({ upstream, health: new Map(instances.map((each) => [each, 'healthy'])) }),
    fails: (times: number, over: Partial<Outcome> = {}) => {
      for (let i = 0; i < times; i++) circuits.report({ ...FAILED, startedAtMs: WALL_MS + clock.ms, ...over })
    },
  }
}
const FAILED = {
  serviceId: 's1',
  routeId: null,
  durationMs: 0,
  status: 504,
  source: 'upstream',
  ttfbMs: null,
  grpcStatus: null,
  tries: [{ instance: A, status: 'timeout', ms: 1 }],
} as unknown as Outcome
const GOOD_TRIES = [{ instance: '10.0.0.2:80', status: 200, ms: 1 }] as unknown as Outcome['tries']

test('the settings of the newest instance hold, also where the first event of an older one comes behind', () => {
  const { circuits, configure } = start()
  configure({ mode: 'forced_open' }, 's1', 's1', 7)
  configure({}, 's1', 's1', 6)
  equal(circuits.decide('s1') > 0, true, 'the older one says nothing any more')
  configure({ mode: 'forced_open' }, 's1', 's1', 9)
  configure({}, 's1', 's1', 8)
  equal(circuits.decide('s1') > 0, true, 'nor one in between, though the newest said the same as before')
  configure({}, 's1', 's1', 10)
  equal(circuits.decide('s1'), 0)
})

test('where instances have no number, as in the stock plugin server, the last one holds', () => {
  const { circuits, configure } = start()
  configure({ mode: 'forced_open' })
  configure({})
  equal(circuits.decide('s1'), 0)
})

test('an instance is ejected when the operator has told of it, and not before', () => {
  const run = start()
  run.configure({})
  run.fails(5)
  deepEqual(run.told, [])
  run.mesh()
  run.fails(5)
  deepEqual(run.told, [`${A} closed>ejected`, `${A} out`])
})

test('an ejection of the process before goes on, marked once more, until its end', () => {
  const run = start()
  run.mesh({ ejectedUntilMs: new Map([[A, WALL_MS + 5_000]]) })
  run.configure({})
  deepEqual(run.told, [`${A} closed>ejected`, `${A} out`])
  run.clock.ms = 5_000
  equal(run.circuits.decide('s1'), 0)
  deepEqual(run.told.slice(2), [`${A} ejected>probing`, `${A} in`])
  run.mesh({ ejectedUntilMs: new Map([[A, WALL_MS + 9_000]]) })
  equal(run.told.length, 4, 'what an operator tells late takes nothing out again')
})

test('requests that begin at an ejected instance later than a second after its mark are told, once a second', () => {
  const run = start()
  run.configure({})
  run.mesh()
  run.fails(5)
  run.told.splice(0)
  run.clock.ms = 999
  run.fails(1)
  run.clock.ms = 2_000
  run.fails(1, { startedAtMs: WALL_MS + 900, durationMs: 1_100 })
  deepEqual(run.told, [], 'they were under way when it was marked')
  for (run.clock.ms = 3_000; run.clock.ms < 5_000; run.clock.ms += 500) run.fails(1)
  deepEqual(run.told, ['web.mesh 10.0.0.1:80 astray', 'web.mesh 10.0.0.1:80 astray'])
  run.told.splice(0)
  run.fails(5, { tries: GOOD_TRIES, status: 200 })
  deepEqual(run.told, [], 'nothing is told of those that are in')
})

test('when Kong starts its instances anew, each ejected one is told once more, and nothing else', () => {
  const run = start()
  run.configure({}, 's1', 's1', 1)
  run.mesh()
  run.fails(5)
  run.told.splice(0)
  run.configure({}, 's1', 's1', 2)
  deepEqual(run.told, [], 'it was just done')
  run.clock.ms = 1_000
  for (const worker of [3, 4, 5]) run.configure({}, 's1', 's1', worker)
  deepEqual(run.told, ['web.mesh 10.0.0.1:80 astray'], 'once for all workers')
  run.clock.ms = 60_000
  run.circuits.decide('s1')
  run.told.splice(0)
  run.configure({}, 's1', 's1', 6)
  deepEqual(run.told, [], 'it is in again')
})

test('an ejection of the process before whose end has passed is put back at once', () => {
  const run = start()
  run.mesh({ ejectedUntilMs: new Map([[A, WALL_MS - 1]]) })
  run.configure({})
  deepEqual(run.told, [`${A} closed>ejected`, `${A} ejected>probing`, `${A} in`])
})

test('an ejection of the process before is put back at once where the mode takes nothing out', () => {
  const run = start()
  run.mesh({ ejectedUntilMs: new Map([[A, WALL_MS + 5_000]]) })
  run.configure({ mode: 'disabled' })
  deepEqual(run.told, [`${A} in`])
})

test('an instance of which something is known is not ejected by what the process before left', () => {
  const run = start()
  run.configure({})
  run.mesh()
  run.fails(1)
  run.mesh({ ejectedUntilMs: new Map([[A, WALL_MS + 5_000]]) })
  deepEqual(run.told, [])
})

test('forced open wins, whether the plugin or Consul says it', () => {
  const run = start()
  run.configure({ mode: 'forced_closed' })
  run.mesh({ mode: 'forced_open' })
  equal(run.circuits.decide('s1') > 0, true)
  deepEqual(run.circuits.refused('s1'), { service: 'web', state: 'forced_open' })
  run.mesh()
  equal(run.circuits.decide('s1'), 0)
  run.configure({ mode: 'forced_open' })
  equal(run.circuits.decide('s1') > 0, true)
  equal(run.circuits.refusalsOf('s1'), 1)
})

test('of a configuration that is not valid the mode is taken, and nothing else', () => {
  const run = start()
  run.configure({ openSeconds: 30 })
  run.configure({ openSeconds: -1, mode: 'forced_open' })
  deepEqual(run.told[0], 'refused s1 true')
  equal(run.circuits.decide('s1'), 30)
})

test('the outcome of a route with a circuit of its own is not counted for the service', () => {
  const run = start()
  run.configure({})
  run.configure({ consecutiveFailures: 0, service: { consecutiveFailures: 1 } }, 'r1', 's1')
  run.fails(1, { routeId: 'r1' })
  equal(run.circuits.decide('s1'), 0)
  equal(run.circuits.decide('r1') > 0, true)
})

test('a circuit that nobody asks and no operator knows is given up', () => {
  const run = start()
  run.configure({})
  run.clock.ms = 7_300_000
  run.circuits.sweep()
  deepEqual([...run.circuits.all()], [])
  equal(run.circuits.decide('s1'), 0)
})

const B = '10.0.0.2:80'

test('an ejected instance goes from every upstream that it is in, and comes back to each, without a request there', () => {
  const run = start()
  run.mesh()
  run.configure({ openSeconds: 5, backoff: { jitter: 0 } })
  run.alsoIn('web.mesh', A, B, '10.0.0.3:80')
  run.alsoIn('v2.web.mesh', A, B)
  run.alsoIn('v3.web.mesh', B)
  run.fails(5)
  deepEqual(run.told, [`${A} closed>ejected`, `${A} closed>ejected`, `v2.web.mesh ${A} out`, `${A} out`])
  equal(run.circuits.ejectedUntilMs('v2.web.mesh', A), run.circuits.ejectedUntilMs('web.mesh', A))
  run.clock.ms = 5_000
  run.circuits.decide('s1')
  deepEqual(run.told.slice(4).sort(), [
    `${A} ejected>probing`,
    `${A} ejected>probing`,
    `${A} in`,
    `v2.web.mesh ${A} in`,
  ])
})

test('one whose check has failed and passes comes back to every upstream before its time', () => {
  const run = start()
  const health = (ofA: 'healthy' | 'unhealthy') =>
    run.mesh({ health: new Map([[A, ofA] as const, [B, 'healthy'], ['10.0.0.3:80', 'healthy']]) })
  health('healthy')
  run.configure({ openSeconds: 60 })
  run.alsoIn('web.mesh', A, B, '10.0.0.3:80')
  run.alsoIn('v2.web.mesh', A, B)
  run.fails(5)
  health('unhealthy')
  run.told.length = 0
  health('healthy')
  deepEqual(run.told.sort(), [
    `${A} ejected>probing`,
    `${A} ejected>probing`,
    `${A} in`,
    `v2.web.mesh ${A} in`,
  ])
})

test('the only instance of another upstream stays in it: somebody has to answer there', () => {
  const run = start()
  run.mesh()
  run.configure({})
  run.alsoIn('v2.web.mesh', A)
  run.fails(5)
  deepEqual(run.told, [`${A} closed>ejected`, `${A} out`])
})

test('an upstream that comes while an instance of it is out has it out as well', () => {
  const run = start()
  run.mesh()
  run.configure({})
  run.fails(5)
  run.told.length = 0
  run.alsoIn('web.mesh', A, B, '10.0.0.3:80')
  run.others.set('s2', { upstream: 'v2.web.mesh' })
  run.configure({}, 's2', 's2')
  deepEqual(run.told.slice(-1), [`v2.web.mesh ${A} out`])
})

test('what no service leads to any more is forgotten when nothing of it is out', () => {
  const run = start()
  run.mesh()
  run.configure({ openSeconds: 5, backoff: { jitter: 0 } })
  run.alsoIn('v2.web.mesh', A, B)
  run.fails(5)
  run.circuits.sweep()
  equal(run.circuits.ejectedUntilMs('v2.web.mesh', A), 5_000)
  run.clock.ms = 5_000
  run.circuits.sweep()
  deepEqual(run.told.slice(-2), [`${A} ejected>probing`, `v2.web.mesh ${A} in`])
})

test('ten thousand circuits that nobody uses have no timer', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const { circuits, clock, configure, mesh } = start()
  for (let i = 0; i < 10_000; i++) configure({}, `s${i}`, `s${i}`)
  mesh()
  clock.ms += 60_000
  circuits.sweep()
  equal(timers(), before)
})

test('F21: of a host name with three addresses the one that fails is ejected alone', () => {
  const { circuits, told, clock, mesh, configure, fails } = start()
  configure({})
  const name = 'web.test:80'
  const addresses = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']
  const health = new Map(addresses.map((address) => [`${name}@${address}`, 'healthy'] as const))
  mesh({ health })
  const at = (address: string) => [{ ...FAILED.tries[0]!, instance: name, address }]
  fails(5, { tries: at('10.0.0.2:80') })
  const bad = `${name}@10.0.0.2:80`
  deepEqual(told, [`${bad} closed>ejected`, `${bad} out`])
  fails(5, { tries: at('10.0.0.3:80') })
  equal(told.length, 2, 'no more than half of the addresses go')
  clock.ms = 30_000
  // The name has it no more, and again: Kong has forgotten its mark.
  mesh({ health: new Map([...health].filter(([key]) => key !== bad)) })
  mesh({ health })
  deepEqual(told.splice(2), [`${bad} out`])
  clock.ms = 90_000
  circuits.report({ ...FAILED, status: 200, tries: [{ ...at('10.0.0.1:80')[0]!, status: 200 }] } as Outcome)
  deepEqual(told.slice(2), [`${bad} ejected>probing`, `${bad} in`])
})

test('what another process keeps out counts for how many may be out, as long as it does', () => {
  const { told, configure, mesh, fails } = start()
  configure({})
  mesh({ outElsewhere: new Map([['10.0.0.2:80', 'yields']]) })
  fails(5)
  deepEqual(told, ['web.mesh 10.0.0.2:80 astray'])
  mesh()
  fails(5)
  deepEqual(told.slice(1), [`${A} closed>ejected`, `${A} out`])
})

test('of two processes that took out too many at the same time one gives way', () => {
  for (const [order, expected] of [
    ['precedes', [`${A} in`]],
    ['yields', []],
  ] as const) {
    const { told, configure, mesh, fails } = start()
    configure({})
    mesh()
    fails(5)
    told.length = 0
    mesh({ outElsewhere: new Map([['10.0.0.2:80', order]]) })
    deepEqual(told, expected, order)
  }
})

test('an instance that another process keeps out may be ejected here as well', () => {
  const { told, configure, mesh, fails } = start()
  configure({})
  mesh()
  mesh({ outElsewhere: new Map([[A, 'precedes']]) })
  fails(5)
  deepEqual(told, [`${A} closed>ejected`, `${A} out`])
})

test('a Kong that begins anew is told of what another process keeps out, and not when that has just put it back', () => {
  const { clock, told, configure, mesh, fails } = start()
  configure({ mode: 'auto', minimumCalls: 20 })
  mesh()
  mesh({ outElsewhere: new Map([[A, 'precedes']]) })
  clock.ms = 2_000
  fails(1)
  deepEqual(told, [])
  configure({ minimumCalls: 20, mode: 'auto' })
  deepEqual(told, [`web.mesh ${A} astray`])
})
