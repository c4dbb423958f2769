// What sockets alone cost: answers the tracing exchange by the message id, with bytes that were ready before.
// `node --import tsx bare-server.ts SOCKET streams|direct`: on Node's streams, or on sockets as the plugin server has them.
import { createServer } from 'node:net'
import { directSocket } from '../../plugins/server/process/direct-socket.ts'
import { callReply, endReply } from '../../plugins/server/rpc/reply.ts'
import { MESSAGE_IDS } from './plugin-load.ts'

const EVENT_ID = 4_000_000_000
const [first, second, third] = MESSAGE_IDS
const headers = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'X-Mesh-Route': 's/r',
  'X-Mesh-Span': '00f067aa0ba902b7-00f067aa0ba902b7',
}
const replies = [
  callReply(first, { method: 'kong.request.get_headers', args: [1_000] }, EVENT_ID),
  callReply(second, { method: 'kong.service.request.set_headers', args: [headers] }, EVENT_ID),
  endReply(third, EVENT_ID),
]
const [path, kind] = process.argv.slice(2)
// A direct socket is made of one that has read nothing yet.
createServer({ pauseOnConnect: kind === 'direct' }, (accepted) => {
  const socket = kind === 'direct' ? directSocket(accepted).resume() : accepted
  socket.on('error', () => {}).on('data', (message) => void socket.write(replies[message[2]! - first]!))
}).listen(path)
