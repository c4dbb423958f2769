// Where an nginx for the bench comes from: the same order as for Redis; it has its version on standard error.
import { equal, rejects } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findNginx } from '../../../operator/setup/nginx-binary.ts'

const root = mkdtempSync(join(tmpdir(), 'kongsul-nginx-bin-'))
after(() => rmSync(root, { recursive: true }))

const log = () => {}
const SHELL = '/bin'

/** A file that answers `-v` on standard error with `prints`. */
function fakeServer(folder: string, name: string, prints: string): string {
  const path = join(root, folder, name)
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${prints}' >&2\n`)
  chmodSync(path, 0o755)
  return path
}

test('NGINX_BIN comes before PATH, and PATH before the cache', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const configured = fakeServer('configured', 'nginx', 'nginx version: nginx/1.28.0')
  const onPath = fakeServer('path', 'nginx', 'nginx version: nginx/1.24.0 (Ubuntu)')
  const cached = fakeServer(
    'cache/kongsul/debian/bookworm/nginx',
    'start-nginx',
    'nginx version: nginx/1.22.1',
  )
  const PATH = `${join(root, 'path')}:${SHELL}`
  equal(await findNginx({ log, env: { NGINX_BIN: configured, PATH } }), configured)
  equal(await findNginx({ log, env: { PATH } }), onPath)
  equal(await findNginx({ log, env: { PATH: join(root, 'nothing') } }), cached)
})

test('an NGINX_BIN that is none is an error that names it, and nothing else is tried', async () => {
  const broken = fakeServer('broken', 'nginx', 'no')
  await rejects(findNginx({ log, env: { NGINX_BIN: broken, PATH: SHELL } }), (error: Error) =>
    error.message.startsWith(`NGINX_BIN=${broken} does not run`),
  )
})
