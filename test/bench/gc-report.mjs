// Loaded into a process before anything else (`NODE_OPTIONS=--import`): at SIGUSR2 it collects all garbage and writes what
// memory is left to $GC_REPORT_DIR/<pid>.json.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => {
  collect()
  collect()
  const file = join(process.env.GC_REPORT_DIR, `${process.pid}.json`)
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()))
  renameSync(`${file}.new`, file)
})
