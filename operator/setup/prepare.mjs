// Installs and builds what a fresh clone lacks. Uses Node alone: it runs before there is a node_modules/.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const OLDEST_NODE = [20, 11]

/** Makes node_modules/ and dist/ fit the checkout; takes milliseconds when they do. */
export async function prepare() {
  checkNode()
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(join(root, 'package.json')))
    .update(process.version)
    .digest('hex')
  const stamp = join(root, 'node_modules', '.kongsul-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  await step('installing npm packages', npm(), ['ci', '--no-audit', '--no-fund'])
  writeFileSync(stamp, wanted)
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  console.error(
    `kongsul needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version}. See https://nodejs.org.`,
  )
  process.exit(1)
}

const npm = () => (process.platform === 'win32' ? 'npm.cmd' : 'npm')

/** Runs one command quietly; on a terminal a line shows how long it has been running, on failure its output. */
async function step(what, command, args) {
  const startedAt = Date.now()
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(0)
  const live = process.stderr.isTTY
    ? setInterval(() => process.stderr.write(`\r${what} ... ${seconds()} s`), 200)
    : undefined
  if (!live) process.stderr.write(`${what} ...\n`)
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  }).catch((error) => {
    output += `${command} could not be started: ${error.message}`
    return 1
  })
  if (live) clearInterval(live)
  process.stderr.write(`${live ? '\r' : ''}${what} ${code === 0 ? 'done' : 'failed'} after ${seconds()} s\n`)
  if (code === 0) return
  process.stderr.write(`${output}\n\`${command} ${args.join(' ')}\` failed; the lines above say why.\n`)
  process.exit(1)
}
