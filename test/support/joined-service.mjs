// A service as its author writes it. Arguments: path of the built client, options as JSON, how it behaves.
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const [path, options, behaviour = ''] = process.argv.slice(2)
const { join } = await import(pathToFileURL(path).href)

const server = createServer((_request, answer) => answer.end('ok'))
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const mesh = await join({ port: server.address().port, leaveDelayMs: 50, ...JSON.parse(options) })
process.send({ id: mesh.id, port: mesh.port, isRegistered: mesh.isRegistered })

if (behaviour === 'own handler') {
  process.on('SIGTERM', () => {
    process.send({ handled: true })
    server.close()
    process.exitCode = 7
    process.disconnect()
  })
}
if (behaviour === 'handler that exits') process.on('SIGTERM', () => process.exit(5))
process.on('message', async ({ say, note, end }) => {
  if (say !== undefined) await mesh.status(say, note).then(() => process.send({ said: say }))
  if (end === 'error') throw new Error('nobody catches this')
  if (end === 'exit') process.exit(3)
  if (end === 'nothing to do') {
    server.close()
    process.disconnect()
  }
})
