// Where a Consul comes from: each source is tried in order, and none that does not run is taken.
import { equal, rejects } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findConsul } from '../../../operator/setup/consul-binary.ts'

const root = mkdtempSync(join(tmpdir(), 'kongsul-consul-'))
after(() => rmSync(root, { recursive: true }))

const log = () => {}

/** A file that answers `consul version` with `prints`. */
function fakeConsul(folder: string, prints: string): string {
  const path = join(root, folder, 'consul')
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`)
  chmodSync(path, 0o755)
  return path
}

const PATH_WITH_SHELL = '/usr/bin:/bin'

test('CONSUL_BIN comes before PATH, and PATH before the cache', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const configured = fakeConsul('configured', 'Consul v1.20.1')
  const onPath = fakeConsul('path', 'Consul v1.19.0')
  const cached = fakeConsul('cache/kongsul/debian/bullseye/consul/usr/bin', 'Consul v1.8.7')
  const PATH = `${join(root, 'path')}:${PATH_WITH_SHELL}`
  equal(await findConsul({ log, env: { CONSUL_BIN: configured, PATH } }), configured)
  equal(await findConsul({ log, env: { PATH } }), onPath)
  equal(await findConsul({ log, env: { PATH: join(root, 'nothing') } }), cached)
})

test('what is called consul and is none is passed over', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  fakeConsul('other', 'some other program 1.0')
  const cached = fakeConsul('cache/kongsul/consul/1.22.3', 'Consul v1.22.3')
  equal(await findConsul({ log, env: { PATH: join(root, 'other') } }), cached)
})

test('a CONSUL_BIN that does not run is an error that names it, and nothing else is tried', async () => {
  const broken = fakeConsul('broken', 'no')
  await rejects(findConsul({ log, env: { CONSUL_BIN: broken, PATH: PATH_WITH_SHELL } }), (error: Error) =>
    error.message.startsWith(`CONSUL_BIN=${broken} does not run`),
  )
})
