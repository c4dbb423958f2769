// What `npm run up`, `npm test`, `npm run soak`, `npm run bench`, `npm run screenshots` and `npm run test:w3c` start: set-up first, then the job in its own process.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const [job = '', ...args] = process.argv.slice(2)
/** What takes too long for every run. */
const SOAK = [
  'contract/mesh-api',
  'contract/lenient-api',
  'integration/described-answers',
  'soak/silent-client',
  'browser/sizes',
].map((name) => join('test', ...name.split('/')).concat('.test.ts'))
if (job === 'soak') {
  process.env.KONGSUL_FUZZ_RUNS ??= '2000'
  process.env.KONGSUL_DASHBOARD_SECONDS ??= '600'
}
const jobs = {
  up: () => [join('operator', 'cli', 'kongsul.mjs'), 'up', ...args],
  test: () => [
    '--import',
    'tsx',
    '--test',
    '--test-concurrency=2',
    '--test-timeout=300000',
    ...testFiles(args),
  ],
  soak: () => ['--import', 'tsx', '--test', '--test-concurrency=1', '--test-timeout=1800000', ...SOAK],
  bench: () => ['--import', 'tsx', join('test', 'bench', 'main.ts'), ...args],
  screenshots: () => ['--import', 'tsx', join('test', 'screenshots', 'main.ts'), ...args],
  w3c: () => ['--import', 'tsx', join('test', 'w3c', 'main.ts'), ...args],
}
if (!(job in jobs)) {
  console.error(`unknown job "${job}"; one of ${Object.keys(jobs).join(', ')}`)
  process.exit(64)
}

await prepare()
if (['test', 'soak', 'screenshots'].includes(job))
  await run(['--import', 'tsx', join('operator', 'setup', 'prepare-servers.ts')])
process.exitCode = await run(jobs[job]())

/** Files named on the command line, or every test: the unit tests of a folder in one process, other files in their own. */
function testFiles(named) {
  if (named.length > 0) return named
  const isSoak = (file) => file.startsWith(join('test', 'soak'))
  const found = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !isSoak(file))
    .sort()
  const unit = join('test', 'unit') + sep
  return [
    ...found.filter((file) => !file.startsWith(unit)),
    ...joined(found.filter((file) => file.startsWith(unit))),
  ]
}

/** One file for each folder, which imports the test files in it: to start a process costs more than most of them run. */
function joined(files) {
  const outdir = join(root, 'dist', 'unit-tests')
  rmSync(outdir, { recursive: true, force: true })
  mkdirSync(outdir, { recursive: true })
  const folders = [...new Set(files.map((file) => file.split(sep)[2]))]
  return folders.map((folder) => {
    const path = join(outdir, `${folder}.test.mjs`)
    const inIt = files.filter((file) => file.split(sep)[2] === folder)
    writeFileSync(path, inIt.map((file) => `import '${pathToFileURL(join(root, file)).href}'\n`).join(''))
    return path
  })
}

/** Runs Node with `nodeArgs`, hands signals on, and answers its exit code; set-up that fails ends the job. */
async function run(nodeArgs) {
  const child = spawn(process.execPath, nodeArgs, { cwd: root, stdio: 'inherit' })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const code = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)))
  process.off('SIGINT', forward).off('SIGTERM', forward)
  if (code !== 0 && nodeArgs.at(-1)?.endsWith('prepare-servers.ts')) process.exit(code)
  return code
}
