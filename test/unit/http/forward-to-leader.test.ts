import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { forwardToLeader } from '../../../operator/http/forward-to-leader.ts'
import type { Leader } from '../../../operator/leader/election.ts'

const PATH = '/api/v1/mesh/v2/overrides/mesh.web'
let leader: FastifyInstance
let follower: FastifyInstance
let known: Leader | null = null

const app = (name: string, isLeading: boolean): FastifyInstance => {
  const made = Fastify()
  forwardToLeader({ isLeading: () => isLeading, leader: () => known, fetch })(made)
  made.put(PATH, async (request) => ({ by: name, body: request.body, token: request.headers.authorization }))
  made.get(PATH, async () => ({ by: name }))
  return made
}
before(async () => {
  leader = app('leader', true)
  follower = app('follower', false)
  await leader.listen({ port: 0, host: '127.0.0.1' })
})
after(() => Promise.all([leader.close(), follower.close()]))

const put = (headers = {}) =>
  follower.inject({ method: 'PUT', url: PATH, payload: { field: 'retries' }, headers })
const address = () => leader.listeningOrigin.replace('http://', '')

test('a write that a follower is asked for is done by the leader, with body and token', async () => {
  known = { id: 'one', address: address() }
  const answer = await put({ authorization: 'Bearer x' })
  assert.deepEqual(answer.json(), { by: 'leader', body: { field: 'retries' }, token: 'Bearer x' })
})

test('a follower answers reads itself', async () => {
  known = { id: 'one', address: address() }
  assert.deepEqual((await follower.inject({ method: 'GET', url: PATH })).json(), { by: 'follower' })
})

test('what was handed on once is not handed on again', async () => {
  known = { id: 'one', address: address() }
  assert.equal((await put({ 'x-kongsul-forwarded': '1' })).json().by, 'follower')
})

test('a leader that cannot be asked is named', async () => {
  known = { id: 'one', address: '127.0.0.1:1' }
  const silent = await put()
  assert.equal(silent.statusCode, 503)
  assert.match(silent.json().message, /the leader one at 127\.0\.0\.1:1 does not answer/)
  known = { id: 'one', address: null }
  assert.match((await put()).json().message, /cannot reach the leader one/)
})
