import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { leaveKong } from '../../../operator/cli/uninstall.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { stateOf } from '../../../operator/core/kong-json.ts'
import { ownTags } from '../../../operator/core/tags.ts'
import type { Executed } from '../../../operator/kong/execute.ts'
import type { KongWriter } from '../../../operator/kong/kong-writer.ts'

const service: Entity = {
  kind: 'service',
  id: '0a',
  name: 'mesh.web',
  owner: 'web',
  parent: '',
  fields: {},
  tags: ownTags('default', 'web', { name: 'mesh.web' }),
}
const user: Entity = { ...service, kind: 'plugin', id: '0b', name: 'key-auth', tags: [] }

function writerOf(...answers: Executed[]): KongWriter {
  let isThere = true
  return {
    read: async () => stateOf(isThere ? [service] : []),
    steps: (changes) => (changes.length === 0 ? [] : [changes]),
    execute: async () => {
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      isThere = !answer.wrote
      return answer
    },
  }
}
const leave = (writer: KongWriter) => leaveKong(writer, 'default', () => {})

test('what turns out to be used by somebody else stays, is told and is not counted', async () => {
  const { entities, kept } = await leave(writerOf({ after: service, wrote: false, users: [user] }))
  deepEqual(entities, [])
  deepEqual(kept, [
    'service mesh.web stays, since plugin key-auth (not managed by kongsul) uses it; remove that one first',
  ])
})

test('where somebody else has written meanwhile it is looked at again, and not for ever', async () => {
  const outdated = { after: null, wrote: false, isOutdated: true }
  const { entities } = await leave(writerOf(outdated, { after: null, wrote: true }))
  deepEqual(entities, [service])
  await rejects(leave(writerOf(outdated)), /somebody else keeps writing/)
})
