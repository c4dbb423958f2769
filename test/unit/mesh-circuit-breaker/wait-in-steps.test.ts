import { deepEqual, ok } from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { waitInSteps } from '../../../plugins/mesh-circuit-breaker/wait-in-steps.ts'
import type { PdkCalls } from '../../../plugins/server/form/pdk-calls.ts'

interface Call {
  readonly Method: string
  readonly Args: readonly unknown[]
}

test("in Kong's own plugin server a delay asks Kong for nothing that Kong does not know", async () => {
  const Pdk = createRequire(import.meta.url)('kong-pdk/pdk.js') as new (
    pipe: unknown,
  ) => { readonly kong: PdkCalls }
  const calls: Call[] = []
  const { kong } = new Pdk({ put: (call: Call) => calls.push(call), get: async () => [null, undefined] })
  const startMs = performance.now()
  await waitInSteps(kong, 60)
  ok(performance.now() - startMs >= 60, 'it has waited')
  deepEqual(
    calls.filter(({ Method }) => Method !== 'kong.response.set_header'),
    [],
  )
  ok(calls.length >= 2, 'Kong was asked something in between')
})
