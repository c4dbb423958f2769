import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { desired } from '../../../operator/core/desired.ts'
import { type Entity, keyOf } from '../../../operator/core/entity.ts'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'
import { type GateHolder, intentionsStatus } from '../../../operator/sync/intentions-status.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { catalog, instance, OPTIONS, settingsOf } from '../core/build-mesh.ts'
import { policiesOf } from '../policy/build-policies.ts'

const SERVICES = { web: [instance(1)], api: [instance(2)] }
const { publicKey } = createKeyPair()
const intentions = {
  accepted: acceptIntentions(null, [{ SourceName: 'web', DestinationName: 'api', Action: 'deny' }]),
  byDefault: 'allow' as const,
}
const snapshot = { ...catalog(SERVICES), policies: { ...policiesOf({}, SERVICES), intentions } }
const wanted = desired({
  snapshot,
  settings: settingsOf({}),
  options: OPTIONS,
  actual: new Map(),
  callers: {
    identities: [newIdentity({ service: 'web', kid: 'k1', publicKey, by: 'ada', nowMs: 0, lastsMs: null })],
    keys: new Map(),
    problems: [],
  },
})
const entity = (kind: string, name: string): Entity =>
  [...wanted.state.values()].find((each) => each.kind === kind && each.name === name)!
const acl = entity('plugin', 'acl')
const group = entity('acl', 'mesh.web')

/** A Kong that holds what is wanted, but for `without` and with `other`. */
function holder(
  { without, other }: { without?: Entity; other?: Entity } = {},
  rest: Partial<GateHolder> = {},
): GateHolder {
  const mirror = new KongMirror()
  for (const each of wanted.state.values()) if (each !== without) mirror.set(each)
  if (other !== undefined) mirror.set(other)
  return {
    desired: wanted,
    snapshot,
    mirror,
    refusal: null,
    isLeftAlone: () => false,
    overrides: () => [],
    problems: () => [],
    queue: { failing: () => [] },
    kong: { admin: { url: 'http://one:8001' } },
    ...rest,
  }
}
const api = (...all: GateHolder[]) => intentionsStatus(all).services.find(({ service }) => service === 'api')!
const edited = (fields: Entity['fields']): Entity => ({ ...acl, fields: { ...acl.fields, ...fields } })

describe('whether intentions are enforced', () => {
  test('they are where Kong holds what was decided, and whatever Kong adds', () => {
    const other = edited({ 'config.always_use_authenticated_groups': false })
    assert.deepEqual(
      [holder(), holder({ other })].map((each) => [api(each).enforced, api(each).note]),
      [
        [true, ''],
        [true, ''],
      ],
    )
  })

  test('they are not before Kong has the plugin, with the reason why it has not', () => {
    const missing = { without: acl }
    const error = new Error('Kong answered 500')
    const failing = () => [{ service: 'api', attempt: 1, error, nextTryAtMs: 0 }]
    const conflict = { severity: 'error' as const, service: 'api' }
    const problem = (code: string) => ({ ...conflict, code, message: 'plugin acl is not kongsul’s' })
    const notes = [
      holder(missing),
      holder(missing, { isLeftAlone: (service) => service === 'api' }),
      holder(missing, { refusal: 'this is a dry run' }),
      holder(missing, { queue: { failing } }),
      holder(missing, { problems: () => [problem('NAME_CONFLICT')] }),
      holder(missing, { problems: () => [problem('REMOVED_REPEATEDLY')] }),
    ].map((each) => {
      assert.equal(api(each).enforced, false)
      return api(each).note
    })
    const why = [/not written yet/, /api is paused/, /dry run/, /answered 500/, /NAME_C/, /REMOVED_R/]
    for (const [at, note] of notes.entries()) {
      assert.match(note, /^NOT enforced: Kong has no plugin acl of api: /)
      assert.match(note, why[at]!)
    }
  })

  test('they are not where somebody switched a plugin off or edited a list', () => {
    const overrides = () => [
      {
        service: 'api',
        kind: acl.kind,
        id: acl.id,
        name: 'acl',
        field: 'enabled',
        wanted: true,
        actual: false,
      },
    ]
    const { enforced, note } = api(holder({ other: edited({ enabled: false }) }, { overrides }))
    assert.equal(enforced, false)
    assert.match(note, /another enabled in plugin acl of api: somebody set enabled there/)
    assert.equal(api(holder({ other: edited({ 'config.deny': ['mesh.x'] }) })).enforced, false)
  })

  test('they are not where the caller that is denied is not in the group by which it is kept out', () => {
    assert.ok(wanted.state.has(keyOf(group)))
    assert.match(api(holder({ without: group })).note, /has no acl mesh.web of web/)
  })

  test('they are not where one node of several is behind, which is named', () => {
    const kong = { admin: { url: 'http://two:8001' } }
    assert.deepEqual([api(holder(), holder({}, { kong })).enforced], [true])
    const { enforced, note } = api(holder(), holder({ without: acl }, { kong }))
    assert.equal(enforced, false)
    assert.match(note, /Kong at http:\/\/two:8001 has no plugin acl/)
  })
})
