// What `kongsul plugins` starts: a working process. A program of its own, bundled with the packages that it needs: one
// starts whenever another has died, while requests go on, and is to take as little processor time for it as it can.

import { runWorker } from '../../plugins/server/process/worker.ts'
import { SPARE } from '../../plugins/server/process/worker-process.ts'
import { readWorkerSetup, WORKER_SETUP } from '../../plugins/server/process/worker-setup.ts'
import { FileNewsBoard } from '../secrets/file-news.ts'
import { createLogger } from '../telemetry/logger.ts'

const files = new FileNewsBoard()
const { logLevel, ...setup } = readWorkerSetup(process.env[WORKER_SETUP], files.tell)
const log = createLogger({ level: logLevel, component: 'plugins' })
files.listen(log)
await runWorker({ ...setup, isSpare: process.argv.includes(SPARE), log })
