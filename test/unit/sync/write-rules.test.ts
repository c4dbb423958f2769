import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../operator/core/diff.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { LeftUpstreams } from '../../../operator/sync/left-upstreams.ts'
import { WriteRules, type WriteRulesOptions } from '../../../operator/sync/write-rules.ts'

const entity = (kind: Entity['kind'], name: string, fields: Entity['fields'] = {}): Entity => ({
  ...{ kind, name, fields, id: name, parent: '', owner: 'web', tags: [] },
})
const change = (action: Change['action'], of: Entity, before: Entity): Change => ({
  ...{ action, entity: of, before, fields: ['host'], service: 'web' },
})

test('an upstream that is not wanted only after requests were led away from it is removed when it may be', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const due: string[] = []
  const left = new LeftUpstreams({
    wantedBy: () => [entity('service', 'mesh.web')],
    isUsed: () => false,
    isDbless: () => false,
    onDue: (service) => due.push(service),
  })
  const rules = new WriteRules({
    left,
    mirror: new KongMirror(),
    isDbless: () => false,
    decision: { isUnread: () => false, isOnHold: () => false, wanted: new Map() },
    plugins: { isUnwritable: () => false },
  } as unknown as WriteRulesOptions)
  const service = (host: string) => entity('service', 'mesh.web', { host })
  left.written(change('update', service('new'), service('old')))
  const removal = change('delete', entity('upstream', 'old'), entity('upstream', 'old'))
  equal(rules.isHeld(removal), true)
  t.mock.timers.tick(11_000)
  deepEqual(due, ['web'])
  equal(rules.isHeld(removal), false)
})

test('a service waits for the certificates that are wanted of it, not for those that a person gave it', () => {
  const wanted = entity('service', 'mesh.web', { client_certificate: { id: 'ours' } })
  const merged = entity('service', 'mesh.web', {
    client_certificate: { id: 'theirs' },
    ca_certificates: ['theirs'],
  })
  const rulesFor = (service: Entity) =>
    new WriteRules({
      left: new LeftUpstreams({
        ...{ wantedBy: () => [], isUsed: () => false, isDbless: () => false, onDue: () => {} },
      }),
      mirror: new KongMirror(),
      isDbless: () => false,
      decision: {
        isUnread: () => false,
        isOnHold: () => false,
        wanted: new Map([['service/mesh.web', service]]),
      },
      plugins: { isUnwritable: () => false },
    } as unknown as WriteRulesOptions)
  const update = change('update', merged, merged)
  equal(rulesFor(entity('service', 'mesh.web')).isHeld(update), false)
  equal(rulesFor(wanted).isHeld(update), true)
})
