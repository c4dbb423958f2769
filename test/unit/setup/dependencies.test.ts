import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..', '..')
const json = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))

test('docs/dependencies.md names every package and the licence that it comes with', () => {
  const { dependencies, devDependencies } = json('package.json')
  const installed = [dependencies, devDependencies].flatMap((packages: object) =>
    Object.keys(packages).map((name) => `${name}: ${json('node_modules', name, 'package.json').license}`),
  )
  const rows = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8').matchAll(
    /^\| (?!Package|---)(\S+) \| ([^|]+) \|/gm,
  )
  deepEqual(Array.from(rows, ([, name, licence]) => `${name}: ${licence}`).sort(), installed.sort())
})

test('every package is pinned to one version', () => {
  const { dependencies, devDependencies } = json('package.json')
  const versions: string[] = Object.values({ ...dependencies, ...devDependencies })
  deepEqual(
    versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  )
})

test('the lock file has the hash of every package, and what package.json asks for', () => {
  const { packages } = json('package-lock.json')
  const { dependencies, devDependencies } = json('package.json')
  deepEqual(packages[''].dependencies, dependencies)
  deepEqual(packages[''].devDependencies, devDependencies)
  const without = Object.entries(packages as Record<string, { readonly integrity?: string }>).filter(
    ([path, { integrity = '' }]) => path !== '' && !/^sha512-[\w+/]{86}==$/.test(integrity),
  )
  deepEqual(
    without.map(([path]) => path),
    [],
  )
})
