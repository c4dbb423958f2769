import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { registerBody, registrationOf } from '../../../operator/api/registration.ts'
import { agentRegistration } from '../../../operator/client/agent-door.ts'
import { joinSettings } from '../../../operator/client/join-settings.ts'
import { operatorRegistration } from '../../../operator/client/operator-door.ts'
import type { JoinOptions } from '../../../operator/client/public-types.ts'

const WEB: JoinOptions = { service: 'web', port: 3000 }
const of = (over: Partial<JoinOptions> = {}, environment: Record<string, string> = {}) =>
  joinSettings({ ...WEB, ...over }, environment)

const wrong: [options: object, names: RegExp][] = [
  [{ service: 'Web' }, /service must be 1 to 64/],
  [{ service: undefined }, /service must/],
  [{ port: 0 }, /port must be 1 to 65535/],
  [{ port: 1.5 }, /port/],
  [{ weight: -1 }, /weight must be 0 to 65535/],
  [{ ttlSeconds: 0 }, /ttlSeconds must be more than 0/],
  [{ ttlSeconds: Number.NaN }, /ttlSeconds/],
  [{ samplingRate: 2 }, /samplingRate must be 0 to 1/],
  [{ consul: '127.0.0.1:8500' }, /consul must be an http/],
  [{ consul: 'http://a', operator: 'http://b' }, /give one of them/],
  [{ operator: 'http://b', id: 'x' }, /id is chosen by the operator/],
  [{ check: { http: 'health' } }, /check.http must be a path/],
  [{ check: { http: '//evil' } }, /check.http must be a path/],
  [{ check: { http: '/h' }, ttlSeconds: 3 }, /ttlSeconds means nothing/],
  [{ meta: { 'a b': '1' } }, /meta.a b must be/],
  [{ meta: { a: 'x'.repeat(513) } }, /meta.a must be at most 512/],
  [{ otlp: 'collector' }, /otlp must be/],
]
for (const [options, names] of wrong) {
  test(`${JSON.stringify(options).slice(0, 60)} is refused by name`, () => {
    throws(() => joinSettings({ ...WEB, ...options } as JoinOptions, {}), {
      name: 'TypeError',
      message: names,
    })
  })
}

test('the agent is found as Consul’s own tools find it', () => {
  equal(of().door.url, 'http://127.0.0.1:8500')
  equal(of({}, { CONSUL_HTTP_ADDR: '10.0.0.1:8501' }).door.url, 'http://10.0.0.1:8501')
  equal(
    of({}, { CONSUL_HTTP_ADDR: '10.0.0.1:8501', CONSUL_HTTP_SSL: 'true' }).door.url,
    'https://10.0.0.1:8501',
  )
  equal(of({}, { CONSUL_HTTP_ADDR: 'https://consul/' }).door.url, 'https://consul')
  equal(of({}, { CONSUL_HTTP_TOKEN: 't' }).token, 't')
  equal(of({}, { CONSUL_HTTP_TOKEN_FILE: '/f' }).tokenFile, '/f')
})

test('an operator gets the operator’s token, and never Consul’s', () => {
  const settings = of({ operator: 'http://op:8080' }, { CONSUL_HTTP_TOKEN: 't', KONGSUL_TOKEN_FILE: '/f' })
  deepEqual(
    [settings.door, settings.token, settings.tokenFile],
    [{ kind: 'operator', url: 'http://op:8080' }, undefined, '/f'],
  )
})

test('an instance is exposed unless it says no, and a tag that says so stays', () => {
  deepEqual(of({ tags: ['blue'] }).tags, ['blue', 'kongsul.enable=true'])
  deepEqual(of({ expose: false }).tags, ['kongsul.enable=false'])
  deepEqual(of({ tags: ['kongsul.enable=false'] }).tags, ['kongsul.enable=false'])
})

test('the agent is told a TTL check, in the health of now', () => {
  const settings = of({ meta: { zone: 'a', limits: { rps: 5 } }, weight: 3, ttlSeconds: 6 })
  deepEqual(
    agentRegistration(settings, { id: 'web-1', address: '10.0.0.5' }, { health: 'degraded', note: 'full' }),
    {
      ID: 'web-1',
      Name: 'web',
      Address: '10.0.0.5',
      Port: 3000,
      Tags: ['kongsul.enable=true'],
      Meta: { zone: 'a', limits: '{"rps":5}' },
      Weights: { Passing: 3, Warning: 1 },
      Check: {
        CheckID: 'service:web-1',
        TTL: '6s',
        Status: 'warning',
        Notes: 'kept by kongsul/client',
        Output: 'full',
        DeregisterCriticalServiceAfter: '60s',
      },
    },
  )
})

test('the agent is told an HTTP check where Consul shall ask, IPv6 in brackets', () => {
  const settings = of({ check: { http: '/health', intervalSeconds: 1, timeoutSeconds: 2 }, weight: 0 })
  const told = agentRegistration(
    settings,
    { id: 'x', address: 'fd00::1' },
    { health: 'healthy', note: '' },
  ) as {
    Check: object
    Meta: object
    Weights?: object
  }
  deepEqual(told.Check, {
    CheckID: 'service:x',
    HTTP: 'http://[fd00::1]:3000/health',
    Interval: '1s',
    Timeout: '2s',
    Status: 'passing',
    DeregisterCriticalServiceAfter: '60s',
  })
  deepEqual([told.Meta, told.Weights], [{ 'mesh-weight': '0' }, undefined])
})

test('what an operator is told is what its API takes', () => {
  for (const over of [
    {},
    { check: { http: '/h' } },
    { weight: 0 },
    { weight: 7, meta: { a: 1 }, ttlSeconds: 0.5 },
  ]) {
    const body = z
      .strictObject(registerBody)
      .parse(operatorRegistration(of({ operator: 'http://op', ...over }), '10.0.0.5'))
    const made = registrationOf(body)
    equal(made.ok && made.registration.ID, 'web-10.0.0.5-3000')
  }
})

test('OTLP follows OpenTelemetry’s variables', () => {
  equal(of().otlp, undefined)
  equal(of({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).otlp, 'http://c:4318')
  equal(
    of(
      {},
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/v1/traces',
      },
    ).otlp,
    'http://t/v1/traces',
  )
})
