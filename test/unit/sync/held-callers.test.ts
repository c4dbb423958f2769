import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../operator/core/diff.ts'
import type { Entity, Kind } from '../../../operator/core/entity.ts'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import type { Callers } from '../../../operator/core/intentions/join-access.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'
import { indexOwned } from '../../../operator/sync/desired-index.ts'
import { catalog, instance } from '../core/build-mesh.ts'
import { newDecision } from './new-decision.ts'

const { publicKey } = createKeyPair()

test('a service that vanished is held although it still has an identity, and a revoked key is never held, also where Consul does not answer for it', () => {
  const identity = newIdentity({ service: 'web', kid: 'k1', publicKey, by: '', nowMs: 0, lastsMs: null })
  const callers: Callers = { identities: [identity], keys: new Map(), problems: [] }
  const decision = newDecision(callers)
  const said = (services: Parameters<typeof catalog>[0]) =>
    decision.setSnapshot({ snapshot: catalog(services), isReset: false })
  const web = [1, 2, 3].map((number) => instance(number))
  const api = [instance(4)]
  decision.setDocuments(new Map(), new Map())
  said({ web, api })
  decision.decide(indexOwned(new Map(), 'default'))
  const had = decision.wantedBy('web')
  said({ api })
  decision.decide(decision.index!)
  const isHeld = (kind: Kind): boolean => {
    const entity = had.find((each) => each.kind === kind) as Entity
    const change: Change = { action: 'delete', entity, before: entity, fields: [], service: 'web' }
    return decision.isOnHold(change)
  }
  assert.deepEqual((['target', 'upstream', 'service', 'route'] as const).map(isHeld), [
    true,
    true,
    true,
    true,
  ])
  assert.deepEqual((['jwt_secret', 'acl', 'consumer'] as const).map(isHeld), [false, false, false])
  assert.equal(decision.knows('web'), false)
  decision.setUnread(new Map([['web', new Error('no answer')]]))
  const isUnread = (kind: Kind): boolean => {
    const entity = had.find((each) => each.kind === kind) as Entity
    return decision.isUnread({ action: 'delete', entity, before: entity, fields: [], service: 'web' })
  }
  assert.deepEqual((['route', 'jwt_secret', 'acl', 'consumer'] as const).map(isUnread), [
    true,
    false,
    false,
    false,
  ])
  decision.stop()
})
