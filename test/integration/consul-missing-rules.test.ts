// A token that lacks one of the shipped rules: what is missing is told where people look, and nothing is taken away.
import { deepEqual, match } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { Secret } from '../../operator/telemetry/secret.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const SHIPPED = readFileSync(new URL('../../operator/consul/policy.hcl', import.meta.url), 'utf8')
const without = (rule: RegExp): string => {
  const rest = SHIPPED.split('\n').filter((line) => !rule.test(line))
  deepEqual(rest.length, SHIPPED.split('\n').length - 1)
  return rest.join('\n')
}

let stack: Stack
let operator: Operator | null = null
before(async () => {
  stack = await startStack({ acl: true })
  await stack.consul.register({ Name: 'web', Address: '127.0.0.1', Port: 9001 })
})
afterEach(async () => {
  await operator?.stop()
  operator = null
})
after(() => stack.stop())

async function begin(
  rules: string,
): Promise<{ readonly accessor: string; readonly policy: { readonly ID: string; readonly Name: string } }> {
  const policy = (await stack.consul.request('PUT', '/acl/policy', {
    Name: `operator-${Math.random().toString(36).slice(2)}`,
    Rules: rules,
  })) as { ID: string; Name: string }
  const token = (await stack.consul.request('PUT', '/acl/token', {
    Policies: [{ ID: policy.ID }],
  })) as KongRow
  const consul = { url: stack.consul.url, token: new Secret(token.SecretID) }
  operator = await startOperator({ ...stack.config(), consul }, { log: silentLogger })
  return { accessor: token.AccessorID, policy }
}

const upstreams = async (): Promise<string[]> =>
  (await stack.admin('GET', '/upstreams')).body.data.map(({ name }: KongRow) => name)
const problem = () => operator!.status().problems.find(({ code }) => code === 'ELECTION_BLOCKED')
const ready = () => waitFor(() => operator!.status().ready, { what: 'being ready' })

for (const [rule, lacks] of [
  [/^service "kongsul-operator"/, /the token needs service "kongsul-operator" write/],
  [/^session_prefix/, /the token needs session_prefix "" write/],
  [/^key_prefix "mesh\/"/, /the token needs key_prefix "mesh\/" (?:read|write)/],
] as const) {
  test(`without ${rule.source} the reason why nothing is written is told`, async () => {
    await begin(without(rule))
    const told = await waitFor(problem, { what: 'the problem' })
    match(told.message, lacks)
    match(operator!.status().reasons.join(), lacks)
  })
}

test('a token that is taken away while it leads is told as well', async () => {
  const { accessor } = await begin(SHIPPED)
  await ready()
  deepEqual(problem(), undefined)
  await stack.consul.request('DELETE', `/acl/token/${accessor}`)
  match(
    (await waitFor(problem, { what: 'the problem' })).message,
    /Consul does not know the token: it has expired or was deleted/,
  )
})

test('a service that the token may not read is not taken for gone: by one that runs, nor by one that starts', async () => {
  const { policy } = await begin(SHIPPED)
  await ready()
  const unread = () => operator!.status().problems.find(({ code }) => code === 'SERVICE_NOT_READ')
  const isDenied = async () => /needs service "web" read/.test((await waitFor(unread)).message)
  const denying = { Name: policy.Name, Rules: `${SHIPPED}\nservice "web" { policy = "deny" }` }
  await stack.consul.request('PUT', `/acl/policy/${policy.ID}`, denying)
  await stack.consul.register({ Name: 'other', Address: '127.0.0.1', Port: 9002 })
  await waitFor(async () => (await upstreams()).includes('other.mesh'), { what: 'another service' })
  deepEqual((await upstreams()).includes('web.mesh'), true)
  await operator!.stop()

  await begin(denying.Rules)
  await waitFor(isDenied, { what: 'the rule being named' })
  await ready()
  await stack.consul.register({ Name: 'more', Address: '127.0.0.1', Port: 9003 })
  await waitFor(async () => (await upstreams()).includes('more.mesh'), { what: 'one more service' })
  deepEqual((await upstreams()).includes('web.mesh'), true)

  await stack.consul.deregister('other')
  await waitFor(async () => !(await upstreams()).includes('other.mesh'), {
    what: 'what is gone being removed',
  })
})

test('a token that may not read nodes shows no instance: nothing of Kong is removed, and it is told', async () => {
  await begin(SHIPPED)
  await ready()
  await operator!.stop()
  await begin(without(/^node_prefix/))
  const error = await waitFor(() => operator!.status().consul.error, { what: 'doubt' })
  await waitFor(() => /node_prefix "" read/.test(operator!.status().consul.error ?? error), {
    what: 'the rule being named',
  })
  await waitFor(() => operator!.status().leading, { what: 'leading' })
  deepEqual((await upstreams()).includes('web.mesh'), true)
  deepEqual(operator!.status().ready, false)
})
