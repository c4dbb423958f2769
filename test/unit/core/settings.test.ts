import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { BUILT_IN } from '../../../operator/core/settings-defaults.ts'
import { instance, settingsOf } from './build-mesh.ts'

const complaints = (text: string, key = 'mesh/services/web'): string[] =>
  acceptSettings(null, new Map([[key, text]])).problems.map(({ message }) => message)

describe('a settings document that does not validate is refused and names the field', () => {
  const cases: [text: string, complaint: RegExp][] = [
    [
      '{"timeouts":{"readMs":"abc"}}',
      /timeouts\.readMs must be a whole number from 1 to 2147483646, got "abc"/,
    ],
    ['{"timeouts":{"connectMs":0}}', /timeouts\.connectMs must be a whole number from 1/],
    ['{"timeouts":{"readMS":5}}', /timeouts\.readMS is not a setting; did you mean timeouts\.readMs\?/],
    ['{"colour":"red"}', /colour is not a setting; known here: access, auth, /],
    ['{"retries":1.5}', /retries must be a whole number from 0 to 32767, got 1\.5/],
    ['{"retries":null}', /retries must be a whole number .* got null/],
    [
      '{"loadBalancing":{"strategy":"roundrobin"}}',
      /loadBalancing\.strategy must be one of round_robin, weighted/,
    ],
    ['{"loadBalancing":{"hashOn":"header"}}', /loadBalancing\.hashOn must be one of ip, consumer/],
    [
      '{"healthChecks":{"active":{"tcpFailures":255}}}',
      /tcpFailures must be a whole number from 0 to 254, got 255/,
    ],
    ['{"healthChecks":{"active":{"successes":255}}}', /successes must be a whole number from 1 to 254/],
    ['{"healthChecks":{"active":5}}', /healthChecks\.active must be true, false or an object, got 5/],
    ['{"circuitBreaker":{"mode":"open"}}', /circuitBreaker\.mode must be one of auto, metrics_only/],
    [
      '{"circuitBreaker":{"window":{"calls":5,"seconds":1}}}',
      /circuitBreaker\.window must be \{seconds, buckets\} or/,
    ],
    ['{"circuitBreaker":{"service":{"ejection":{}}}}', /circuitBreaker\.service\.ejection is not a setting/],
    ['{"circuitBreaker":{"failureRate":101}}', /failureRate must be a number from 0 to 100, got 101/],
    ['{"tracing":{"samplingRate":2}}', /tracing\.samplingRate must be a number from 0 to 1, got 2/],
    [
      '{"tracing":{"propagation":{"extract":["zipkin"]}}}',
      /tracing\.propagation\.extract\[0\] must be one of w3c/,
    ],
    ['{"routing":{"paths":["shop"]}}', /routing\.paths\[0\] must be a path that starts with \//],
    ['{"routing":{"paths":["/a//b"]}}', /routing\.paths\[0\] must be a path/],
    ['{"routing":{"paths":["/a/../b"]}}', /routing\.paths\[0\] must be a path/],
    ['{"routing":{"paths":["/a%41"]}}', /routing\.paths\[0\] must be a path/],
    ['{"routing":{"paths":["~/a("]}}', /routing\.paths\[0\] must be a path/],
    ['{"routing":{"hosts":["*.a.*"]}}', /routing\.hosts\[0\] must be a host name/],
    ['{"routing":{"hosts":["a-.test"]}}', /routing\.hosts\[0\] must be a host name/],
    [
      '{"routing":{"routes":[{"name":"host","paths":["/a"]}]}}',
      /routing\.routes\[0\]\.name must not be host or path/,
    ],
    [
      '{"routing":{"routes":[{"name":"x"}]}}',
      /routing\.routes\[0\] must have hosts, paths, methods or headers/,
    ],
    ['{"routing":{"hosts":["a.test:99999"]}}', /routing\.hosts\[0\] must be a host name/],
    ['{"routing":{"paths":["~/(?=x)y"]}}', /routing\.paths\[0\] must be a path/],
    ['{"routing":{"paths":["~/(?<!x)y"]}}', /routing\.paths\[0\] must be a path/],
    [String.raw`{"routing":{"paths":["~/(a)\\1"]}}`, /routing\.paths\[0\] must be a path/],
    ['{"routing":{"routes":[{"name":"x","headers":{"Host":["a"]}}]}}', /headers must not name host/],
    ['{"routing":{"routes":[{"name":"x","headers":{"x-v":[]}}]}}', /headers\.x-v must have at least 1 entry/],
    ['{"routing":{"routes":[{"name":"x","headers":{"x-v":[""]}}]}}', /headers\.x-v\[0\] must be text/],
    ['{"expose":"yes"}', /expose must be true or false, got "yes"/],
    ['{"expose":{"default":"all"}}', /expose must be true or false/],
    ['{"protocol":"udp"}', /protocol must be one of http, https, grpc, grpcs/],
    ['{"weights":{"passing":65536}}', /weights\.passing must be a whole number from 0 to 65535/],
    ['{"health":{"whenAllCritical":"drop"}}', /health\.whenAllCritical must be one of keep, fail/],
    ['{"__proto__":{"retries":1}}', /__proto__ is not a setting/],
    ['{"timeouts":{"__proto__":{"readMs":1}}}', /timeouts\.__proto__ is not a setting/],
    ['[]', /the document must be an object, got \[\]/],
    ['"text"', /the document must be an object/],
    ['timeouts: {readMs: 5', /neither JSON nor YAML/],
    ['a: 1\na: 2', /neither JSON nor YAML: Map keys must be unique/],
    [`{"colour":"${'x'.repeat(70_000)}"}`, /the document has \d+ bytes, at most 65536/],
    [`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, /nested more than 16 deep/],
    [
      'a: &a [x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c]',
      /neither JSON nor YAML/,
    ],
  ]
  for (const [text, complaint] of cases) {
    test(text.length > 60 ? `${text.slice(0, 60)}...` : text, () => {
      const found = complaints(text)
      assert.ok(found.length >= 1)
      assert.match(found.join('\n'), complaint)
    })
  }

  test('every fault of a document is told at once', () => {
    assert.equal(complaints('{"retries":-1,"enabled":1,"foo":2}').length, 3)
  })

  test('mesh/defaults may turn routes of ours off, and asks for none of its own', () => {
    const complaintsOf = (routing: object) =>
      acceptSettings(null, new Map([['mesh/defaults', JSON.stringify({ routing })]])).problems.map(
        ({ message }) => message,
      )
    assert.deepEqual(complaintsOf({ hosts: 'off', paths: false, allowed: ['*'], takeover: true }), [])
    for (const routing of [
      { hosts: ['a.test'] },
      { paths: ['/a/'] },
      { routes: [{ name: 'x', paths: ['/a'] }] },
    ]) {
      assert.match(
        complaintsOf(routing).join(),
        /must not be set for all services; write it into mesh\/services/,
      )
    }
  })

  test('a problem names the service it is about', () => {
    const { problems } = acceptSettings(
      null,
      new Map([
        ['mesh/services/web', '{"a":1}'],
        ['mesh/defaults', '{"b":1}'],
      ]),
    )
    assert.deepEqual(
      problems.map(({ code, service }) => [code, service]),
      [
        ['SETTING_INVALID', ''],
        ['SETTING_INVALID', 'web'],
      ],
    )
  })
})

describe('settings in force', () => {
  const none = [instance(1)]

  test('are the built-in ones where nobody says anything', () => {
    const { settings, sources } = settingsOf().forService('web', none)
    assert.deepEqual(settings, BUILT_IN)
    assert.ok(Object.values(sources).every((source) => source === 'built-in'))
  })

  test('have the documented defaults', () => {
    assert.deepEqual(BUILT_IN.timeouts, { connectMs: 1_000, readMs: 60_000, writeMs: 60_000 })
    assert.equal(BUILT_IN.retries, 3)
    assert.equal(BUILT_IN.degraded, 'fallback')
    assert.equal(BUILT_IN.healthChecks.passive.recoverSeconds, 2)
    assert.equal(BUILT_IN.guard.holdSeconds, 300)
    assert.equal(BUILT_IN.circuitBreaker.openSeconds, 60)
    assert.deepEqual(BUILT_IN.circuitBreaker.service, { consecutiveFailures: 0 })
  })

  test('come from the nearest layer that names them', () => {
    const accepted = settingsOf({
      'mesh/defaults': { retries: 1, timeouts: { readMs: 1, connectMs: 1, writeMs: 1 } },
      'mesh/services/web': { timeouts: { readMs: 3 } },
    })
    const meta = { 'mesh-timeouts-read-ms': '2', 'mesh-timeouts-connect-ms': '2' }
    const { settings, sources } = accepted.forService('web', [instance(1, { meta })])
    assert.deepEqual(settings.timeouts, { readMs: 3, connectMs: 2, writeMs: 1 })
    assert.equal(settings.retries, 1)
    assert.deepEqual(
      ['readMs', 'connectMs', 'writeMs'].map((key) => sources[`timeouts.${key}`]),
      ['mesh/services/web', 'meta', 'mesh/defaults'],
    )
    assert.equal(sources.degraded, 'built-in')
  })

  test('are read from YAML as from JSON', () => {
    const text = 'retries: 5\ntimeouts:\n  readMs: 500 # half a second\n'
    const { accepted, problems } = acceptSettings(null, new Map([['mesh/services/web', text]]))
    assert.deepEqual(problems, [])
    assert.equal(accepted.forService('web', none).settings.timeouts.readMs, 500)
  })

  test('an empty document says nothing', () => {
    assert.deepEqual(complaints('  \n'), [])
  })

  test('naming one form of the window drops the other', () => {
    const { settings } = settingsOf({
      'mesh/defaults': { circuitBreaker: { window: { calls: 10 } } },
      'mesh/services/api': { circuitBreaker: { window: { seconds: 30 } } },
    }).forService('web', none)
    assert.deepEqual(settings.circuitBreaker.window, { calls: 10 })
  })

  test('active checks that are switched on have built-in values where none are given', () => {
    const { settings } = settingsOf({
      'mesh/defaults': { healthChecks: { active: true } },
      'mesh/services/web': { healthChecks: { active: { httpPath: '/ready' } } },
    }).forService('web', none)
    assert.equal(settings.healthChecks.active?.httpPath, '/ready')
    assert.equal(settings.healthChecks.active?.intervalSeconds, 5)
  })

  test('grants of the mesh and of the service add up', () => {
    const { settings } = settingsOf({
      'mesh/defaults': { routing: { allowed: ['*.a.test'] } },
      'mesh/services/web': { routing: { allowed: ['/shop/'] } },
    }).forService('web', none)
    assert.deepEqual(settings.routing.allowed, ['*.a.test', '/shop/'])
  })
})

describe('accepting again', () => {
  const good = new Map([['mesh/services/web', '{"retries":7}']])
  const bad = new Map([['mesh/services/web', '{"retries":"many"}']])
  const one = [instance(1)]

  test('keeps the last good document while the new one does not validate, and says so each time', () => {
    const first = acceptSettings(null, good).accepted
    const second = acceptSettings(first, bad)
    assert.equal(second.accepted.forService('web', one).settings.retries, 7)
    const third = acceptSettings(second.accepted, bad)
    assert.equal(third.accepted.forService('web', one).settings.retries, 7)
    assert.match(third.problems[0]!.message, /the last good document stays/)
  })

  test('forgets a document that was deleted', () => {
    const first = acceptSettings(null, good).accepted
    const { accepted } = acceptSettings(first, new Map())
    assert.equal(accepted.forService('web', one).settings.retries, 3)
  })

  test('a bad document of one service does not touch another', () => {
    const both = new Map([...bad, ['mesh/services/api', '{"retries":9}']])
    const { accepted } = acceptSettings(null, both)
    assert.equal(accepted.forService('api', one).settings.retries, 9)
  })

  test('gives the same object while instances and documents are the same', () => {
    const first = acceptSettings(null, good).accepted
    const second = acceptSettings(first, new Map([...good, ['mesh/services/api', '{}']])).accepted
    assert.equal(second.forService('web', one), first.forService('web', one))
    const third = acceptSettings(second, new Map([['mesh/services/web', '{"retries":8}']])).accepted
    assert.notEqual(third.forService('web', one), first.forService('web', one))
  })

  test('expose.default is a rule of the mesh, not of a service', () => {
    const accepted = settingsOf({ 'mesh/defaults': { expose: { default: 'all' } } })
    assert.equal(accepted.mesh.exposeDefault, 'all')
    assert.equal(accepted.forService('web', one).settings.expose, null)
  })
})
