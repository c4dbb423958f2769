import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closingLines } from '../../../operator/cli/up/closing-lines.ts'
import { consulArguments } from '../../../operator/cli/up/consul-arguments.ts'

const usual = {
  proxyUrl: 'http://127.0.0.1:8000',
  adminUrl: 'http://127.0.0.1:8001',
  apiUrl: 'http://127.0.0.1:8080',
  consulUrl: 'http://127.0.0.1:8500',
  hostSuffix: 'mesh',
  prefix: '',
  failingPort: 9003,
}
const lines = closingLines(usual)

test('the last lines are four commands and the addresses', () => {
  const commands = lines.filter((line) => line.startsWith('  '))
  assert.equal(commands.length, 4)
  assert.match(lines.at(-1)!, /8000.*8001.*8080.*8500/)
})

test('the pattern that kills an instance does not match the command that holds it', () => {
  const command = lines.find((line) => line.includes('pkill'))!
  const pattern = new RegExp(/pkill -9 -f '([^']+)'/.exec(command)![1]!)
  assert.ok(
    pattern.test(
      'node dist/main.js sample-service --service api --id api-2 --port 0 --proxy-url http://127.0.0.1:8000',
    ),
  )
  assert.ok(!pattern.test(command))
  assert.ok(
    !pattern.test('node dist/main.js sample-service --id api-2 --port 0 --proxy-url http://127.0.0.1:9000'),
  )
})

test('one command makes an instance answer 500 while its health check passes, and sends requests to its service', () => {
  const command = lines.find((line) => line.includes('/fail'))!
  assert.match(command, /-X POST http:\/\/127\.0\.0\.1:9003\/fail; for .*Host: api\.mesh/)
})

const ports = { http: 8500, server: 8300, serfLan: 8301 }

test('an agent before 1.14 is not told of a port it does not know', () => {
  assert.ok(!consulArguments(ports, [1, 8]).join(' ').includes('grpc_tls'))
  assert.ok(consulArguments(ports, [1, 22]).join(' ').includes('grpc_tls'))
})

test('with other ports than the usual ones the settings for kongsul in another terminal are printed', () => {
  assert.equal(lines.length, 7)
  const [first] = closingLines({ ...usual, apiUrl: 'http://127.0.0.1:40001' })
  assert.equal(first, 'For kongsul in another terminal: export KONGSUL_ADDR=http://127.0.0.1:40001')
})
