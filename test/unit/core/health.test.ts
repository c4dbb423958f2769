import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Check } from '../../../operator/core/catalog.ts'
import { type Health, rollUp } from '../../../operator/core/health.ts'
import { check } from './build-mesh.ts'

const own = { serviceId: 'instance-1' }
const passing = check('passing', own)
const warning = check('warning', own)
const critical = check('critical', own)
const nodePassing = check('passing', { id: 'serfHealth' })
const nodeWarning = check('warning', { id: 'disk' })
const nodeCritical = check('critical', { id: 'serfHealth' })
const nodeMaintenance = check('critical', { id: '_node_maintenance' })
const maintenance = check('critical', { id: '_service_maintenance:instance-1', ...own })
const maintenanceOfOther = check('critical', {
  id: '_service_maintenance:instance-2',
  serviceId: 'instance-2',
})

const cases: [what: string, checks: Check[], health: Health, isMaintenance: boolean][] = [
  ['no checks are healthy', [], 'healthy', false],
  ['one passing check is healthy', [passing], 'healthy', false],
  ['all passing are healthy', [passing, nodePassing], 'healthy', false],
  ['one warning among passing is degraded', [passing, warning, nodePassing], 'degraded', false],
  ['a warning of the node is degraded', [passing, nodeWarning], 'degraded', false],
  ['one critical check is unhealthy', [passing, critical], 'unhealthy', false],
  ['critical beats warning', [warning, critical], 'unhealthy', false],
  ['a critical node beats passing checks', [passing, nodeCritical], 'unhealthy', false],
  ['a critical node alone is unhealthy', [nodeCritical], 'unhealthy', false],
  ['maintenance of the instance beats passing checks', [passing, maintenance], 'unhealthy', true],
  ['maintenance of the node beats passing checks', [passing, nodeMaintenance], 'unhealthy', true],
  ['maintenance beats a critical check', [critical, maintenance], 'unhealthy', true],
  ['maintenance of another instance says nothing', [passing, maintenanceOfOther], 'healthy', false],
  ['a check of another instance says nothing', [check('critical', { serviceId: 'other' })], 'healthy', false],
]

describe('health of an instance', () => {
  for (const [what, checks, health, isMaintenance] of cases) {
    test(what, () => {
      const result = rollUp({ id: 'instance-1', checks })
      assert.deepEqual([result.health, result.isMaintenance], [health, isMaintenance])
    })

    test(`${what}, in any order of the checks`, () => {
      const there = rollUp({ id: 'instance-1', checks })
      assert.deepEqual(rollUp({ id: 'instance-1', checks: [...checks].reverse() }), there)
    })
  }

  test('says which check decides', () => {
    const checks = [passing, check('critical', { id: 'b', name: 'HTTP /health', ...own })]
    assert.equal(rollUp({ id: 'instance-1', checks }).reason, 'check "HTTP /health" critical')
    assert.match(rollUp({ id: 'instance-1', checks: [nodeCritical] }).reason, /^node check/)
    assert.equal(rollUp({ id: 'instance-1', checks: [nodeMaintenance] }).reason, 'node in maintenance')
  })
})
