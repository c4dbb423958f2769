// Commands that ask the operator's API: services, register, call, config, events.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul, startKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: Mesh
let service: string
const run = (...args: string[]) => runKongsul(args, { KONGSUL_ADDR: mesh.apiUrl })
before(async () => {
  mesh = await Mesh.start()
  await mesh.startOperator()
  service = mesh.service('shop')
})
after(() => mesh.stop())

test('register puts an instance into Consul, services lists it, call reaches it', async () => {
  const instance = await mesh.startInstance('one')
  const check = ['--ttl', '600s', '--tag', 'blue', '--meta', 'zone=a']
  const done = await run('register', service, String(instance.port), ...check)
  deepEqual([done.code, done.stderr], [0, ''])
  match(done.stdout, new RegExp(`^${service}-127.0.0.1-${instance.port}: registered with the agent of node`))
  await mesh.waitLive(service)
  const listed = await run('services')
  match(listed.stdout, new RegExp(`${service} +1 +1 +0 +0 +${service}.mesh`))
  const called = await run('call', service, '/x?y=1', '-X', 'post', '-d', '{"a":1}', '-H', 'x-a: 1')
  equal(called.code, 0, called.stderr)
  const seen = JSON.parse(called.stdout)
  deepEqual([seen.instance, seen.method, seen.url, seen.headers['x-a']], ['one', 'POST', '/x?y=1', '1'])
  match(called.stderr, /^200 from .* in [\d.]+ s, trace [0-9a-f]{32}\n$/)
  equal((await run('call', service, '/?status=404')).code, 1)
  match((await run('call', 'nobody')).stderr, /not in the catalog/)
  match(
    (await run('call', service, '--timeout', 'soon')).stderr,
    /'soon' is invalid. Give a number from 1 to 300/,
  )
})

test('config set writes what get shows and explain explains, and names what it refuses', async () => {
  const events = startKongsul(['events', '-o', 'json'], { KONGSUL_ADDR: mesh.apiUrl })
  const set = await run('config', 'set', service, 'load-balancer', 'strategy=random')
  deepEqual([set.code, set.stdout], [0, 'strategy = "random"\nhash_on = null\n'])
  await waitFor(async () => {
    const { stdout } = await run('config', 'get', service, 'loadBalancing')
    return stdout === 'loadBalancing.strategy = "random"\nloadBalancing.hashOn = null\n'
  })
  const { stdout } = await run('config', 'explain', service)
  match(stdout, new RegExp(`loadBalancing.strategy +"random" +mesh/services/${service}`))
  match(stdout, /retries +3 +built-in/)
  const taken = await run('config', 'set', service, 'load-balancer', 'strategy=null')
  deepEqual([taken.code, taken.stdout], [0, 'strategy = "round_robin"\nhash_on = null\n'])
  const wrong = await run('config', 'set', service, 'load-balancer', 'strategy=best')
  equal(wrong.code, 1)
  match(wrong.stderr, /strategy: must be one of/)
  match((await run('config', 'set', service, 'balancing', 'a=b')).stderr, /Allowed choices are load-balancer/)
  const early = await run('config', 'set', mesh.service('early'), 'load-balancer', 'strategy=random')
  match(early.stderr, /^No service .*early.* is in the catalog: this waits in KV mesh\/services/)
  match((await run('config', 'explain', '-')).stdout, /retries +3 +built-in/)
  await waitFor(
    async () => {
      // The stream may have begun after the first change.
      await run(
        'config',
        'set',
        service,
        'load-balancer',
        `strategy=${Math.random() < 0.5 ? 'ip_hash' : 'random'}`,
      )
      return events.output().includes('"event":"reconcile"')
    },
    { deadlineMs: 60_000, what: 'an event' },
  )
  await events.stop()
})

test('tap prints requests as they end, top the numbers of every service', async () => {
  const { body } = await mesh.admin('GET', `/services/mesh.${service}`)
  const { body: targets } = await mesh.admin('GET', `/upstreams/${service}.mesh/targets`)
  const instance = targets.data[0].target
  const outcome = {
    ...{
      serviceId: body.id,
      status: 503,
      method: 'GET',
      path: '/buy',
      durationMs: 12,
      startedAtMs: Date.now(),
    },
    tries: [{ instance, status: 503, ms: 12 }],
  }
  const tap = startKongsul(['tap', service, '--status', '5xx', '--count', '1', '-o', 'json'], {
    KONGSUL_ADDR: mesh.apiUrl,
  })
  let code: number | null = null
  void tap.exited.then((told) => {
    code = told
  })
  await waitFor(
    async () => {
      // Told until somebody listens.
      await fetch(`${mesh.apiUrl}/internal/outcomes`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: JSON.stringify(outcome),
      })
      return code !== null
    },
    { deadlineMs: 60_000, pollMs: 100, what: 'tap having seen a request' },
  )
  equal(code, 0, tap.output())
  const seen = JSON.parse(tap.output())
  deepEqual([seen.service_name, seen.status, seen.path, seen.instance], [service, 503, '/buy', instance])
  const top = await run('top')
  match(top.stdout, new RegExp(`${service} +1/1 +[\\d.]+ +100 %`))
  const { services } = JSON.parse((await run('top', '-o', 'json')).stdout)
  equal(services[0].service_name, service)
  match((await run('tap', service, '--status', 'bad')).stderr, /must be a status/)
  match((await run('tap', 'nobody', '--status', 'bad')).stderr, /^No service nobody is in the catalog/)
})
