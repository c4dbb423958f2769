// What `npm pack` makes runs elsewhere, with nothing of the checkout but the packages that it depends on.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'kongsul-package-'))
const installed = join(folder, 'node_modules', 'kongsul')
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}
interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}
const STALE = 'stale-OF0TESTS.js'
let packed: Packed

before(() => {
  // dist/ has been built: the command line that the tests use does so.
  execFileSync(process.execPath, [join(root, 'operator', 'cli', 'kongsul.mjs'), '--version'])
  // Left by an earlier build of this checkout.
  writeFileSync(join(root, 'dist', 'chunks', STALE), 'of another build')
  const args = ['pack', '--silent', '--json', '--pack-destination', folder]
  packed = (JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' })) as [Packed])[0]
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1'])
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
})
after(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(installed, 'operator', 'cli', 'kongsul.mjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })

test('it has the program, the dashboard, the plugins and the client, and no tests or sources', () => {
  const paths = packed.files.map(({ path }) => path)
  for (const path of [
    'dist/main.js',
    'dist/client/client.js',
    'operator/cli/kongsul.mjs',
    'LICENSE',
    'README.md',
  ])
    ok(paths.includes(path), path)
  ok(paths.some((path) => path.startsWith('dist/dashboard/')))
  deepEqual(
    paths.filter((path) => /^test\/|\.tsx?$|\.env/.test(path) && !/\.d\.ts$/.test(path)),
    [],
  )
})

test('of what earlier builds left in the checkout it has nothing', () => {
  const chunks = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/chunks/'))
  ok(!chunks.some((path) => path.endsWith(STALE)))
  ok(chunks.length > 20)
  const code = chunks
    .concat('dist/main.js')
    .map((path) => readFileSync(join(installed, path), 'utf8'))
    .join('\n')
  const unused = chunks.filter(
    (path) => path.endsWith('.js') && !code.includes(path.slice('dist/chunks/'.length)),
  )
  deepEqual(unused, [])
})

test('its commands run: version, help, completion, a plan of files', () => {
  equal(run('--version').stdout, `${version}\n`)
  match(run('--help').stdout, /Usage: kongsul/)
  match(run('deploy', '--help').stdout, /Exit codes:/)
  match(run('completion', 'zsh').stdout, /kongsul/)
  const simulated = run('simulate', 'propagation', '--help')
  equal(simulated.status, 0, simulated.stderr)
})

test('without the sources compose is refused with what to do', () => {
  const file = join(folder, 'mesh.yaml')
  writeFileSync(file, 'services: [{service_name: web, address: 10.0.0.1, port: 80}]')
  const { status, stderr } = run('deploy', file, '--target', 'compose')
  equal(status, 1)
  match(
    stderr,
    /what to do: run it in a clone of the repository, or give --target existing; nothing was changed/,
  )
})

test('a service can import its client, both ways', () => {
  const code = "import { join } from 'kongsul/client'; console.log(typeof join)"
  const imported = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
  })
  equal(imported.stdout, 'function\n', imported.stderr)
  const required = spawnSync(process.execPath, ['-e', "console.log(typeof require('kongsul/client').join)"], {
    cwd: folder,
    encoding: 'utf8',
  })
  equal(required.stdout, 'function\n', required.stderr)
})
