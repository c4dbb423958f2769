// Makes the real servers that the tests talk to available; a server that cannot be had ends the run and is named.
import { findChromium } from './chromium-binary.ts'
import { findConsul } from './consul-binary.ts'
import { findPrometheus } from './prometheus-binary.ts'
import { findRedis } from './redis-binary.ts'

const log = (line: string) => process.stderr.write(`${line}\n`)
const servers = [
  ['Consul', () => findConsul({ log })],
  ['redis-server', () => findRedis({ log })],
  ['Prometheus', () => findPrometheus('prometheus', { log })],
  ['promtool', () => findPrometheus('promtool', { log })],
  ['Chromium', () => findChromium({ log })],
] as const
for (const [name, find] of servers) {
  try {
    await find()
  } catch (error) {
    log(`npm test needs a real ${name}: ${(error as Error).message}`)
    process.exit(1)
  }
}
