import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { writesLine } from '../../../operator/cli/deploy/change-lines.ts'
import { canAsk } from '../../../operator/cli/deploy/confirm.ts'
import { noted, undoable } from '../../../operator/cli/deploy/undoable.ts'
import { untilServedOften } from '../../../operator/cli/deploy/validate.ts'

const PROBE = { service: 'web', shown: '/web', host: 'localhost', path: '/web' }

/** Asks ten times in a row where the requests of these numbers get Kong's 404. @returns how many were made */
async function askedOf(isMissed: (request: number) => boolean, deadlineMs: number): Promise<number> {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response
      .writeHead(isMissed(requests) ? 404 : 200, isMissed(requests) ? { server: 'kong/3.9.1' } : {})
      .end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const proxyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await untilServedOften(PROBE, { proxyUrl, deadlineMs, waiting: () => {} })
    return requests
  } finally {
    server.close()
  }
}

test('a node of Kong that follows later is waited for until ten requests in a row are served', async () => {
  equal(await askedOf((request) => request === 4, 20_000), 14)
  await rejects(
    askedOf((request) => request % 2 === 0, 300),
    /404: Kong has no such route at request 2 of 10/,
  )
})

test('what was begun and failed is no "nothing was changed"', async () => {
  const left: string[] = []
  const lines = { begun: 'web-1 may be registered in Consul', done: 'web-1 registered in Consul' }
  await rejects(noted(left, lines, () => Promise.reject(new Error('cut'))))
  deepEqual(left, [lines.begun])
  const { remedy } = undoable(new Error('cut'), { what: 'deploying', left, undo: 'kongsul destroy x' })
  match(remedy, /to undo: kongsul destroy x$/)
  left.length = 0
  await noted(left, lines, async () => {})
  deepEqual(left, [lines.done])
})

test('in JSON nobody is asked, since nothing is shown', () => {
  const terminal = { stdin: { isTTY: true }, stderr: { isTTY: true } }
  deepEqual([canAsk({ format: 'text' }, terminal), canAsk({ format: 'json' }, terminal)], [true, false])
})

test('what a command writes to Kong in place of an operator is counted and named', () => {
  const writes = ['web', 'api', 'web'].map((service) => ({ service }))
  match(writesLine(writes), /writes to Kong: 3 changes of 2 services \(api, web\)$/)
  const many = Array.from({ length: 12 }, (_, each) => ({ service: `web-${each}` }))
  match(writesLine(many), /of 12 services \(.* and 2 more\)$/)
})
