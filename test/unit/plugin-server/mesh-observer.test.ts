import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Observer } from '../../../plugins/mesh-observer/observer.ts'
import { observerPlugin } from '../../../plugins/mesh-observer/plugin.ts'
import { outcomeFromSerialize } from '../../../plugins/outcomes/from-serialize.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { RECORDED, RECORDED_TOKEN } from '../../support/outcomes.ts'
import { hostOf } from '../../support/plugin-host.ts'

const codec = createMeshHeaderCodec(RECORDED_TOKEN)
const textOf = (name: string) => JSON.stringify(RECORDED[name]!.serialized)

/** The plugin in a server, and what it tells. */
async function observed(receive?: (outcome: Outcome) => void) {
  const outcomes: Outcome[] = []
  const errors: unknown[] = []
  const observer = new Observer(codec)
  observer.connect(receive ?? ((outcome) => outcomes.push(outcome)), (error) => errors.push(error))
  const kong = hostOf(observerPlugin(observer)).connect()
  const { result } = await kong.ask('StartInstance', { Name: 'mesh-observer', Config: '{"__seq__":1}' })
  const log = async (method: string, data: unknown) => {
    const asked = await kong.ask('HandleEvent', { InstanceId: result.Id, EventName: 'log' })
    const { EventId, Data } = asked.result
    const answered = await kong.ask(method, { EventId, Data: data })
    return { asked: Data, answered: answered.result.Data, error: answered.error }
  }
  return { observer, outcomes, errors, log }
}

test('it runs in the log phase, late, and has nothing to configure', () => {
  const { plugin } = hostOf(observerPlugin(new Observer(codec)))
  deepEqual([plugin.info.Phases, plugin.info.Priority], [['log'], 12])
  deepEqual(plugin.info.Schema.fields, [{ config: { type: 'record', fields: [] } }])
})

test('one PDK call tells what became of a request, as every recorded one shows', async () => {
  const { outcomes, log, observer } = await observed()
  for (const name of Object.keys(RECORDED)) {
    deepEqual(await log('Step', textOf(name)), {
      asked: { Method: 'kong.log.serialize', Args: [] },
      answered: 'ret',
      error: null,
    })
    deepEqual(outcomes.pop(), outcomeFromSerialize(textOf(name), codec), name)
  }
  const told = Object.values(observer.counts.outcomes).reduce((sum, count) => sum + count, 0)
  equal(told, Object.keys(RECORDED).length)
})

test('what is no record is counted, and Kong gets its answer', async () => {
  const { outcomes, log, observer } = await observed()
  for (const data of ['', 'null', '{"request":', undefined, null, 7, ['a'], { a: 1 }]) {
    equal((await log('Step', data)).answered, 'ret')
  }
  deepEqual([outcomes, observer.counts.malformed, observer.counts.failed], [[], 8, 0])
})

test('a record that Kong does not give is counted as lost', async () => {
  const { log, observer } = await observed()
  equal((await log('StepError', 'no such function')).answered, 'ret')
  equal(observer.counts.lost, 1)
})

test('a receiver that throws is told about, and the next outcome comes', async () => {
  let calls = 0
  const { log, observer, errors } = await observed(() => {
    if (calls++ === 0) throw new Error('full')
  })
  equal((await log('Step', textOf('answered'))).answered, 'ret')
  equal((await log('Step', textOf('answered'))).answered, 'ret')
  deepEqual([calls, observer.counts.failed, String(errors)], [2, 1, 'Error: full'])
})

test('with nobody to tell, as in the server of kong-pdk, it does nothing', async () => {
  const observer = new Observer(codec)
  observer.take(textOf('answered'))
  deepEqual([observer.counts.outcomes.upstream, observer.counts.malformed], [0, 0])
})

test('no record makes it throw', () => {
  const observer = new Observer(codec)
  observer.connect(
    () => {},
    (error) => {
      throw error
    },
  )
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (record) => observer.take(record)),
    { numRuns: 10_000 },
  )
  equal(observer.counts.failed, 0)
})
