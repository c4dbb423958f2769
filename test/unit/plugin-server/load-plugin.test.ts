import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadPlugin, loadPlugins } from '../../../plugins/server/form/load-plugin.ts'

const folder = await mkdtemp(join(tmpdir(), 'load-plugin-'))
after(() => rm(folder, { recursive: true }))

test('a CommonJS plugin is loaded with all it exports', async () => {
  const file = join(import.meta.dirname, '..', '..', 'fixtures', 'plugin-rpc', 'toy-a.cjs')
  const { info } = await loadPlugin(file)
  assert.deepEqual(
    [info.Name, info.Version, info.Priority, info.Phases],
    ['toy-a', '0.1.0', 1_000, ['log', 'access']],
  )
})

test('our own plugins are there without being named', async () => {
  assert.deepEqual(
    [...(await loadPlugins([])).keys()],
    ['mesh-tracing', 'mesh-circuit-breaker', 'mesh-observer'],
  )
})

const REFUSED: [what: string, code: string, error: RegExp][] = [
  ['without a class', 'module.exports = {}', /exports no class "Plugin"/],
  ['without a phase', 'module.exports = { Plugin: class {}, Version: "1.0.0" }', /has none of/],
  ['without a version', 'module.exports = { Plugin: class { access() {} } }', /"Version" is missing/],
  ['that throws', 'throw new Error("at load")', /at load/],
]
for (const [what, code, error] of REFUSED) {
  test(`a plugin ${what} is refused, and the file is named`, async () => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.cjs`)
    writeFileSync(file, code)
    await assert.rejects(
      loadPlugin(file),
      (thrown: Error) => error.test(thrown.message) && thrown.message.includes(file),
    )
  })
}
