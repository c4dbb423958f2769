import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const FILE = join('test', 'unit', 'cli', 'pairs.test.ts')

/** A run that has bundled its files and has not ended. @returns the first of its bundles, and what ends it */
async function startRun(): Promise<{ bundle: string; end: () => Promise<void> }> {
  const script = `
    import { bundleTests } from './operator/setup/bundle-tests.mjs'
    console.log((await bundleTests([${JSON.stringify(FILE)}]))[0])
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for await (const line of createInterface(child.stdout)) {
    return {
      bundle: join(ROOT, line),
      end: async () => {
        child.stdin.end()
        await ended
      },
    }
  }
  throw new Error('the run ended without a bundle')
}

test('a run of tests leaves the files of another one alone, and takes away those of ended ones', async () => {
  const first = await startRun()
  const second = await startRun()
  assert.deepEqual([existsSync(first.bundle), existsSync(second.bundle)], [true, true])
  await first.end()
  const third = await startRun()
  assert.deepEqual([existsSync(first.bundle), existsSync(second.bundle)], [false, true])
  await Promise.all([second.end(), third.end()])
})
