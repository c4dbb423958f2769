#!/usr/bin/env node
// Launcher: runs dist/main.js; in a checkout it first rebuilds dist/ when a source is newer (0.2 s).
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

function isStale() {
  if (!existsSync(join(root, 'operator', 'cli', 'main.ts'))) return false // an installed package has no sources
  const stamp = join(root, 'dist', '.built-at')
  if (!existsSync(stamp)) return true
  const builtAt = Date.parse(readFileSync(stamp, 'utf8'))
  const newer = (dir) =>
    readdirSync(dir, { withFileTypes: true }).some((entry) =>
      entry.isDirectory()
        ? newer(join(dir, entry.name))
        : /\.(ts|json)$/.test(entry.name) && statSync(join(dir, entry.name)).mtimeMs > builtAt,
    )
  return ['operator', 'plugins', 'kong'].some((dir) => existsSync(join(root, dir)) && newer(join(root, dir)))
}

if (isStale()) {
  await (await import('../setup/build.mjs')).build()
  // Else its helper process would stay for as long as this one runs.
  await (await import('esbuild')).stop()
}
await import('../../dist/main.js')
