// Where a redis-server comes from: the same order as for Consul, and none that does not run is taken.
import { equal, rejects } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findRedis } from '../../../operator/setup/redis-binary.ts'

const root = mkdtempSync(join(tmpdir(), 'kongsul-redis-bin-'))
after(() => rmSync(root, { recursive: true }))

const log = () => {}
const SHELL = '/usr/bin:/bin'

/** A file that answers `--version` with `prints`. */
function fakeServer(folder: string, name: string, prints: string): string {
  const path = join(root, folder, name)
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`)
  chmodSync(path, 0o755)
  return path
}

test('REDIS_BIN comes before PATH, and PATH before the cache', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const configured = fakeServer('configured', 'redis-server', 'Redis server v=7.2.4 sha=0')
  const onPath = fakeServer('path', 'redis-server', 'Redis server v=6.2.0 sha=0')
  const folder = 'cache/kongsul/debian/bookworm/redis-server'
  const cached = fakeServer(folder, 'start-redis-server', 'Redis server v=7.0.15 sha=0')
  const PATH = `${join(root, 'path')}:${SHELL}`
  equal(await findRedis({ log, env: { REDIS_BIN: configured, PATH } }), configured)
  equal(await findRedis({ log, env: { PATH } }), onPath)
  equal(await findRedis({ log, env: { PATH: join(root, 'nothing') } }), cached)
})

test('what is called redis-server and is none is passed over', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  fakeServer('other', 'redis-server', 'some other program 1.0')
  const folder = 'cache/kongsul/debian/bullseye/redis-server'
  rmSync(join(root, 'cache'), { recursive: true, force: true })
  const cached = fakeServer(folder, 'start-redis-server', 'Redis server v=6.0.16 sha=0')
  equal(await findRedis({ log, env: { PATH: join(root, 'other') } }), cached)
})

test('a REDIS_BIN that does not run is an error that names it, and nothing else is tried', async () => {
  const broken = fakeServer('broken', 'redis-server', 'no')
  await rejects(findRedis({ log, env: { REDIS_BIN: broken, PATH: SHELL } }), (error: Error) =>
    error.message.startsWith(`REDIS_BIN=${broken} does not run`),
  )
})
