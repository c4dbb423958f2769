import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { pauseLine } from '../../../operator/cli/set-pause.ts'

const held = { paused: true, reason: 'release', by: 'ada', until: '2030-01-01T00:00:00Z' }

test('a pause tells what ends it', () => {
  match(pauseLine({ service: 'web', ...held }), /^web is paused until .*kongsul resume web ends it\.$/)
  match(pauseLine({ service: '*', ...held }), /^The whole mesh is paused until .*kongsul resume ends it\.$/)
})

test('after a pause it is told that Kong is written to', () => {
  equal(
    pauseLine({ service: 'web', paused: false }),
    'web is not paused now: what differs is written to Kong.',
  )
})

test('a service that the pause of the whole mesh holds is told so, with what ends that', () => {
  const line = pauseLine({ service: 'web', ...held, whole_mesh: true })
  match(line, /^web is paused with the whole mesh until .*kongsul resume ends it\.$/)
})
