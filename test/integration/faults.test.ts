// Rows of the table of faults (npm run test:faults) that no other test has in another form, with less traffic. Times are of a
// machine that does nothing else: what is asked here is that no request is lost, and that Kong is in the end what Consul says.
// `host-gone-read-timeout` is not among them: with less traffic it takes longer until five have failed, and by then round robin
// may have asked the lost host with every try of a request (docs/tuning.md, Retries).
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { CONSUL_FAULTS } from '../faults/consul-faults.ts'
import { KONG_FAULTS } from '../faults/kong-faults.ts'
import { MACHINE_FAULTS } from '../faults/machine-faults.ts'
import { runFault } from '../faults/run-fault.ts'

const ALL = [...CONSUL_FAULTS, ...KONG_FAULTS, ...MACHINE_FAULTS]
const HERE = ['consul-leader-killed', 'admin-cut-midway', 'files-operator', 'disk-full-operator']
const EVER = Number.POSITIVE_INFINITY

for (const name of HERE) {
  const { bounds, ...fault } = ALL.find((each) => each.name === name)!
  test(`${fault.what}: no request is lost, and nothing between Consul and Kong`, async (t) => {
    const { failed = 0 } = bounds
    const row = await runFault({ ...fault, perSecond: 50, bounds: { failed, newServiceMs: EVER } }, () => {})
    const { notRun, result } = row
    const how = JSON.stringify(result?.failures)
    t.diagnostic(
      notRun === null ? `${result!.failed} failed of ${result!.sent} ${how}` : `not run: ${notRun}`,
    )
    deepEqual(result?.broken ?? [], [])
  })
}
