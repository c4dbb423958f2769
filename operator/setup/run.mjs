// What `npm run up`, `npm test`, `npm run test:kong`, `test:w3c`, `test:upgrade`, `test:faults`, `soak`, `bench` and `screenshots` start:
// set-up first, then the job in its own process.
import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { bundleTests } from './bundle-tests.mjs'
import { prepare, root } from './prepare.mjs'

const [job = '', ...args] = process.argv.slice(2)
const isFlag = (arg) => arg.startsWith('-')
/** Files on the command line. */
const named = () => args.filter((arg) => !isFlag(arg))
/** What takes too long for every run. */
const SOAK = [
  'contract/mesh-api',
  'contract/lenient-api',
  'integration/described-answers',
  'integration/odd-answers',
  'soak/silent-client',
  'soak/churn',
  'soak/consul-hour',
  'integration/operator-model',
  'unit/leader/election-model',
  'unit/consul/answer-shape',
  'unit/core/odd-documents',
  'unit/core/odd-rows',
  'unit/outcomes/parse-line',
  'unit/plugin-server/malformed-traces',
  'unit/plugin-server/mutated-recordings',
  'unit/propagation/properties',
  'unit/traces/decode',
  'browser/sizes',
].map((name) => join('test', ...name.split('/')).concat('.test.ts'))
if (job === 'soak') {
  process.env.FUZZ_RUNS ??= '2000'
  process.env.FUZZ_TIMES ??= '20'
  process.env.FUZZ_MESSAGES ??= '1000000'
  process.env.FUZZ_ANSWERS ??= '500'
  process.env.MODEL_PROGRAMS ??= '500'
  process.env.MODEL_RUNS ??= '3000'
  process.env.DASHBOARD_SECONDS ??= '600'
}
// Another one each time finds more: PROPERTY_SEED=random, and the soak.
if (job === 'test' || job === 'kong') process.env.PROPERTY_SEED ??= '20261128'
const jobs = {
  up: () => [join('operator', 'cli', 'kongsul.mjs'), 'up', ...args],
  test: async (files = testFiles(named())) => {
    const bundled = await bundleTests(files)
    // Most files wait longer than they compute: two at once leave much of two cores unused.
    // A Kong of others is one for all: what one file does there, another must not see.
    const atOnce = process.env.KONG_ADMIN_URL ? 1 : 3
    const how = [`--test-concurrency=${atOnce}`, '--test-timeout=300000', ...args.filter(isFlag)]
    return ['--enable-source-maps', '--test', ...how, ...bundled]
  },
  kong: () => {
    const isOfKong = (file) => /^test.(contract|integration)./.test(file)
    return jobs.test(testFiles(named()).filter(isOfKong))
  },
  soak: async () => {
    const how = ['--test-concurrency=1', '--test-timeout=3600000']
    return [
      '--enable-source-maps',
      '--test',
      ...how,
      ...(await bundleTests(named().length > 0 ? testFiles(named()) : SOAK)),
    ]
  },
  bench: () => ['--import', 'tsx', join('test', 'bench', 'main.ts'), ...args],
  upgrade: () => ['--import', 'tsx', join('test', 'upgrade', 'main.ts'), ...args],
  faults: () => ['--import', 'tsx', join('test', 'faults', 'main.ts'), ...args],
  screenshots: () => ['--import', 'tsx', join('test', 'screenshots', 'main.ts'), ...args],
  w3c: () => ['--import', 'tsx', join('test', 'w3c', 'main.ts'), ...args],
}
if (!(job in jobs)) {
  console.error(`unknown job "${job}"; one of ${Object.keys(jobs).join(', ')}`)
  process.exit(64)
}
const isWithoutKong = !process.env.KONG_ADMIN_URL || !process.env.KONG_PROXY_URL
if (job === 'kong' && isWithoutKong) {
  console.error(
    'test:kong needs KONG_ADMIN_URL and KONG_PROXY_URL of a Kong for tests: they remove what they make there',
  )
  process.exit(64)
}

await prepare()
if (['test', 'kong', 'soak', 'screenshots'].includes(job))
  await run(['--import', 'tsx', join('operator', 'setup', 'prepare-servers.ts')])
process.exitCode = await run(await jobs[job]())

/** Files and those in folders named on the command line, or every test. */
function testFiles(named) {
  if (named.length === 0) return testsIn('test').filter((file) => !file.startsWith(join('test', 'soak')))
  const found = named.map((name) => testsAt(relative(root, resolve(name))))
  const missing = named.filter((_, at) => found[at].length === 0)
  if (missing.length === 0) return found.flat()
  const example = 'name files like test/unit/cli/table.test.ts, or folders of them'
  console.error(`there is no test ${missing.join(', ')}: ${example}`)
  process.exit(64)
}

function testsAt(path) {
  const isFile = statSync(join(root, path), { throwIfNoEntry: false })?.isFile()
  if (isFile === undefined) return []
  return isFile ? [path] : testsIn(path)
}

function testsIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
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
