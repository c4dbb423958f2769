import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { UnaskedRequests } from '../../../plugins/agent/unasked-requests.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'

const refused = {
  ...{ status: 500, source: 'exit', serviceId: null, host: 'web.mesh', path: '/' },
} as unknown as Outcome

function given() {
  let calls = 0
  let nowMs = 0
  let begun = 0
  let looks = 0
  const book = new UnaskedRequests({
    calls: () => calls,
    isForMesh: (host) => {
      looks += 1
      return host === 'web.mesh'
    },
    onBegin: () => {
      begun += 1
    },
    clock: () => nowMs,
  })
  return {
    book,
    call: () => {
      calls += 1
    },
    pass: (ms: number) => {
      nowMs += ms
    },
    note: (outcome: Partial<Outcome>, times: number) => {
      for (let at = 0; at < times; at++) book.note({ ...refused, ...outcome })
    },
    seen: () => [book.count, begun],
    looks: () => looks,
  }
}

test('requests that Kong answers 500 while it calls no plugin are counted, and said once', () => {
  const { note, seen } = given()
  note({}, 2)
  deepEqual(seen(), [0, 0])
  note({}, 3)
  deepEqual(seen(), [5, 1])
})

test('a call of Kong ends it, and it may begin again', () => {
  const { note, call, pass, seen } = given()
  note({}, 5)
  call()
  deepEqual(seen(), [0, 1])
  note({}, 5)
  deepEqual(seen(), [0, 1], 'whose it is was looked at just now')
  pass(1_000)
  note({}, 3)
  deepEqual(seen(), [3, 2])
})

test('answers of instances, of other codes and of requests that a plugin saw do not count', () => {
  const { note, seen } = given()
  note({ source: 'upstream' }, 5)
  note({ status: 404 }, 5)
  note({ serviceId: 's1' }, 5)
  deepEqual(seen(), [0, 0])
})

test('requests that are not for the mesh do not count, and are looked at once a second', () => {
  const { note, pass, seen, looks } = given()
  for (let second = 0; second < 3; second++) {
    note({ host: 'other' }, 100)
    pass(1_000)
  }
  deepEqual(seen(), [0, 0])
  equal(looks(), 3)
})
