// `npm run test:w3c` with a stand-in for the suite, which is not part of this project.
import { deepEqual, equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..')
const FIXTURE = join(ROOT, 'test', 'fixtures', 'w3c')

/** The job of the npm script, without what prepares a fresh clone. */
async function w3c(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', join('test', 'w3c', 'main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  return { code, output }
}

test('the suite calls the relay through the gateway, and is called back through it', async () => {
  const env = { PYTHON: join(FIXTURE, 'python.mjs'), KONG_ADMIN_URL: '', KONG_PROXY_URL: '' }
  const { code, output } = await w3c([FIXTURE], env)
  equal(code, 3, output)
  const told = JSON.parse(/^\{.*\}$/m.exec(output)![0])
  // Two spans of gateways lie between: what was sent is not what came.
  match(told.traceparent[0], /^00-12345678901234567890123456789012-(?!1234567890123456)[0-9a-f]{16}-0[23]$/)
  const { path, tracestate, SPEC_LEVEL, STRICT_LEVEL } = told
  deepEqual([path, tracestate, SPEC_LEVEL, STRICT_LEVEL], ['/scope.0', ['foo=1'], '2', '2'])
})

const REFUSED: [what: string, args: readonly string[], env: Record<string, string>, says: RegExp][] = [
  ['no folder', [], {}, /npm run test:w3c -- PATH/],
  ['a folder without the suite', [ROOT], {}, /has no test\/test\.py.*w3c\/trace-context/],
  ['a Python without aiohttp', [FIXTURE], { PYTHON: join(FIXTURE, 'nothing') }, /python3-aiohttp/],
]
for (const [what, args, env, says] of REFUSED) {
  test(`${what} is told about with what to do`, async () => {
    const { code, output } = await w3c(args, env)
    equal(code, 64)
    match(output, says)
  })
}
