import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const FILE = join('test', 'unit', 'cli', 'pairs.test.ts')

interface Run {
  readonly bundles: readonly string[]
  /** Files that are to run first. */
  readonly long: readonly string[]
  end(): Promise<void>
}

/** A run that has bundled its files and has not ended. */
async function startRun(files: readonly string[] = [FILE]): Promise<Run> {
  const script = `
    import { bundleTests, LONG as long } from './operator/setup/bundle-tests.mjs'
    console.log(JSON.stringify({ bundles: await bundleTests(${JSON.stringify(files)}), long }))
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for await (const line of createInterface(child.stdout)) {
    const { bundles, long } = JSON.parse(line) as Run
    return {
      bundles: bundles.map((path) => join(ROOT, path)),
      long,
      end: async () => {
        child.stdin.end()
        await ended
      },
    }
  }
  throw new Error('the run ended without a bundle')
}

const exist = (run: Run) => run.bundles.map((bundle) => existsSync(bundle))

test('a run of tests leaves the files of another one alone, and takes away those of ended ones', async () => {
  const first = await startRun()
  const second = await startRun()
  assert.deepEqual([exist(first), exist(second)], [[true], [true]])
  await first.end()
  const third = await startRun()
  assert.deepEqual([exist(first), exist(second)], [[false], [true]])
  await Promise.all([second.end(), third.end()])
})

test('by name, which is how Node orders them, the files that take long are the first to run', async () => {
  const others = ['contract/jwt-replay', 'integration/faults', 'browser/sizes']
  const run = await startRun([FILE, ...others.map((name) => join('test', `${name}.test.ts`))])
  const names = run.bundles.map((bundle) => basename(bundle)).sort()
  await run.end()
  assert.deepEqual(
    run.long.filter((file) => !existsSync(join(ROOT, file))),
    [],
  )
  assert.deepEqual(names, [
    '000-browser-sizes.mjs',
    '001-integration-faults.mjs',
    '002-contract-jwt-replay.mjs',
    '003-unit-cli.mjs',
  ])
})
