import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../operator/telemetry/secret.ts'
import {
  readWorkerSetup,
  type WorkerSetup,
  workerSetupText,
} from '../../../plugins/server/process/worker-setup.ts'

const SETUP: WorkerSetup = {
  pluginFiles: ['/a.cjs'],
  handlerLimitMs: 50,
  hangMs: 400,
  logLevel: 'info',
  agent: {
    node: 'n',
    operators: ['http://127.0.0.1:8080'],
    feedToken: 'f',
    lineToken: 'l',
    feed: { host: '127.0.0.1', port: 5140 },
    kong: { adminUrl: 'http://127.0.0.1:8001', timeoutMs: 1, parallel: 1, token: new Secret('the token') },
    exporters: [],
    version: '1.0.0',
  },
}

test('a worker runs with what its supervisor was given, secrets too', () => {
  const { agent } = SETUP
  const plain = { ...SETUP, agent: { ...agent, kong: { ...agent.kong, token: 'the token' } } }
  deepEqual(
    readWorkerSetup(workerSetupText(SETUP), () => {}),
    plain,
  )
})

test('a worker that a person starts says who starts it', () => {
  throws(() => readWorkerSetup(undefined, () => {}), /kongsul plugins.*starts its working processes itself/)
})
