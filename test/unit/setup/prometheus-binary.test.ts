// Where Prometheus and promtool come from: the same order as for Consul, and none that does not run is taken.
import { equal, rejects } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findPrometheus } from '../../../operator/setup/prometheus-binary.ts'

const root = mkdtempSync(join(tmpdir(), 'kongsul-prometheus-bin-'))
after(() => rmSync(root, { recursive: true }))

const log = () => {}
const SHELL = '/usr/bin:/bin'
const inCache = (suite: string) => `cache/kongsul/debian/${suite}/prometheus/usr/bin`

/** A file that answers `--version` with `prints`. */
function fakeProgram(folder: string, name: string, prints: string): string {
  const path = join(root, folder, name)
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${prints}'\n`)
  chmodSync(path, 0o755)
  return path
}

test('PROMETHEUS_BIN comes before PATH, and PATH before the cache', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const configured = fakeProgram('configured', 'prometheus', 'prometheus, version 3.5.0 (branch: HEAD)')
  const onPath = fakeProgram('path', 'prometheus', 'prometheus, version 2.53.0 (branch: HEAD)')
  const cached = fakeProgram(inCache('bookworm'), 'prometheus', 'prometheus, version 2.42.0+ds')
  const PATH = `${join(root, 'path')}:${SHELL}`
  equal(await findPrometheus('prometheus', { log, env: { PROMETHEUS_BIN: configured, PATH } }), configured)
  equal(await findPrometheus('prometheus', { log, env: { PATH } }), onPath)
  equal(await findPrometheus('prometheus', { log, env: { PATH: join(root, 'nothing') } }), cached)
})

test('the newer suite of Debian comes before the older one', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  const older = fakeProgram(inCache('bullseye'), 'promtool', 'promtool, version 2.24.1+ds')
  const env = { PATH: join(root, 'nothing') }
  equal(await findPrometheus('promtool', { log, env }), older)
  const newer = fakeProgram(inCache('bookworm'), 'promtool', 'promtool, version 2.42.0+ds')
  equal(await findPrometheus('promtool', { log, env }), newer)
})

test('promtool is looked for by its own name and variable', async () => {
  const prometheus = fakeProgram('own', 'prometheus', 'prometheus, version 3.5.0 (branch: HEAD)')
  const promtool = fakeProgram('own', 'promtool', 'promtool, version 3.5.0 (branch: HEAD)')
  const env = { PROMETHEUS_BIN: prometheus, PROMTOOL_BIN: promtool, PATH: SHELL }
  equal(await findPrometheus('promtool', { log, env }), promtool)
})

test('what is called prometheus and is none is passed over', async () => {
  process.env['XDG_CACHE_HOME'] = join(root, 'cache')
  fakeProgram('other', 'prometheus', 'some other program 1.0')
  const cached = fakeProgram(inCache('bookworm'), 'prometheus', 'prometheus, version 2.42.0+ds')
  equal(await findPrometheus('prometheus', { log, env: { PATH: join(root, 'other') } }), cached)
})

test('a PROMETHEUS_BIN that does not run is an error that names it, and nothing else is tried', async () => {
  const broken = fakeProgram('broken', 'prometheus', 'no')
  const env = { PROMETHEUS_BIN: broken, PATH: SHELL }
  await rejects(findPrometheus('prometheus', { log, env }), (error: Error) =>
    error.message.startsWith(`PROMETHEUS_BIN=${broken} does not run`),
  )
})
