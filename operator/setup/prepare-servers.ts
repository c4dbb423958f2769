// Makes the real servers that the tests talk to available; a server that cannot be had ends the run and is named.
import { findConsul } from './consul-binary.ts'

const log = (line: string) => process.stderr.write(`${line}\n`)
try {
  await findConsul({ log })
} catch (error) {
  log(`npm test needs a real Consul: ${(error as Error).message}`)
  process.exit(1)
}
