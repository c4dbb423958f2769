// Each folder of test/fixtures/desired is a case: in.json (catalog, KV, what Kong holds), out.json (what it should hold).
// To refresh: UPDATE_GOLDEN=1 node --import tsx --test test/unit/core/golden.test.ts
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { desired, type MeshOptions } from '../../../operator/core/desired.ts'
import { diff } from '../../../operator/core/diff.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import { bodyFor } from '../../../operator/core/kong-json.ts'
import { parseActual, parseCatalog } from '../../../operator/core/offline.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { applyAll, KEEP } from './build-mesh.ts'

const FOLDER = new URL('../../fixtures/desired/', import.meta.url)

interface Case {
  readonly options?: Partial<MeshOptions>
  readonly actual?: object
}

describe('golden cases of the desired state', () => {
  for (const name of readdirSync(FOLDER).sort()) {
    const input = readFileSync(new URL(`${name}/in.json`, FOLDER), 'utf8')
    const output = new URL(`${name}/out.json`, FOLDER)

    test(name, () => {
      const found = answer(input)
      if (process.env.UPDATE_GOLDEN) writeFileSync(output, `${JSON.stringify(found, null, 2)}\n`)
      assert.deepEqual(found, JSON.parse(readFileSync(output, 'utf8')))
    })

    test(`${name}: once applied, nothing is left to do`, () => {
      const { actual, decide } = prepare(input)
      const after = applyAll(actual, diff(actual, decide(actual).state, KEEP))
      assert.deepEqual(diff(after, decide(after).state, KEEP).changes, [])
    })
  }
})

function prepare(text: string) {
  const { options, actual } = JSON.parse(text) as Case
  const { snapshot, documents } = parseCatalog(text)
  const { accepted, problems } = acceptSettings(null, documents)
  const mesh = { mesh: 'default', hostSuffix: 'mesh', ...options }
  return {
    actual: parseActual(JSON.stringify(actual ?? {})),
    problems,
    decide: (state: KongState) => desired({ snapshot, settings: accepted, options: mesh, actual: state }),
  }
}

function answer(text: string): unknown {
  const { actual, problems, decide } = prepare(text)
  const { state, services, problems: found } = decide(actual)
  return JSON.parse(
    JSON.stringify({
      kong: [...state.values()].map(readable),
      services,
      problems: [...problems, ...found].map(({ code, service, message }) => `${code} ${service}: ${message}`),
    }),
  )
}

/** Without ids and hashes, which follow from the rest. */
function readable(entity: Entity): unknown {
  const { id: _id, service: _service, tags: _tags, ...body } = bodyFor(entity)
  return { [entity.kind]: body }
}
