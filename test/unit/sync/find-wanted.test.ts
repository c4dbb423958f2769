import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import { findWanted } from '../../../operator/sync/override-actions.ts'

const entity = (kind: Entity['kind'], name: string): Entity => ({
  ...{ kind, name, id: `${kind}-1`, owner: 'web', parent: '', fields: {}, tags: [] },
})
const state: KongState = new Map(
  [entity('upstream', 'web.mesh'), entity('service', 'mesh.web'), entity('target', '10.0.0.1:80')].map(
    (each) => [`${each.kind}/${each.id}`, each],
  ),
)

test('an entity is found by its id, its name, and its kind with either', () => {
  for (const reference of ['service-1', 'mesh.web', 'service/service-1', 'service/mesh.web']) {
    equal(findWanted(state, reference).id, 'service-1', reference)
  }
})

test('the name of a service in Consul is answered with the entities that it has in Kong', () => {
  throws(() => findWanted(state, 'web'), {
    statusCode: 404,
    message:
      'web is a service: name one of its entities, upstream/web.mesh, service/mesh.web, target/10.0.0.1:80',
  })
})

test('what kongsul does not manage is answered with how entities are named', () => {
  throws(() => findWanted(state, 'nosuch'), {
    statusCode: 404,
    message: 'kongsul manages no entity nosuch; give an id, or a name like service/mesh.<service>',
  })
})
