// Where a Chromium comes from: the same order as for the servers, and none that does not run is taken.
import { equal, rejects } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findChromium } from '../../../operator/setup/chromium-binary.ts'

const root = mkdtempSync(join(tmpdir(), 'kongsul-chromium-bin-'))
const before = process.env['XDG_CACHE_HOME']
after(() => {
  rmSync(root, { recursive: true })
  if (before === undefined) delete process.env['XDG_CACHE_HOME']
  else process.env['XDG_CACHE_HOME'] = before
})

const log = () => {}
const CACHED = 'cache/kongsul/debian/bookworm/chromium-headless-shell'

function fake(folder: string, name: string, prints: string): string {
  const path = join(root, folder, name)
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`)
  chmodSync(path, 0o755)
  return path
}

test('CHROMIUM_BIN comes before PATH, and PATH before the cache', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const configured = fake('configured', 'chrome', 'Google Chrome 140.0.1.2')
  const onPath = fake('path', 'chromium', 'Chromium 139.0.1.2 built on Debian')
  const cached = fake(CACHED, 'start-chromium', 'Chromium 138.0.1.2')
  const PATH = join(root, 'path')
  equal(await findChromium({ log, env: { CHROMIUM_BIN: configured, PATH } }), configured)
  equal(await findChromium({ log, env: { PATH } }), onPath)
  equal(await findChromium({ log, env: { PATH: join(root, 'nothing') } }), cached)
})

test('what is called chromium and is none is passed over', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  fake('other', 'chromium', 'please install it from the store')
  const cached = fake(CACHED, 'start-chromium', 'Chromium 138.0.1.2')
  equal(await findChromium({ log, env: { PATH: join(root, 'other') } }), cached)
})

test('a CHROMIUM_BIN that does not run is an error that names it, and nothing else is tried', async () => {
  const broken = fake('broken', 'chromium', 'no')
  await rejects(findChromium({ log, env: { CHROMIUM_BIN: broken } }), (error: Error) =>
    error.message.startsWith(`CHROMIUM_BIN=${broken} does not run`),
  )
})
