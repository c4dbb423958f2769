import type { IncomingMessage } from 'node:http'
import type { BufferedBody } from './request-body.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** Sends a client's body on as it comes, at the upstream's pace. Nothing is kept: it can be sent once. */
export function streamBody(
  request: IncomingMessage,
  connection: UpstreamConnection,
  isChunked: boolean,
  isOver: () => boolean,
): void {
  request.on('data', (chunk: Buffer) => {
    if (isOver()) return
    if (isChunked) connection.write(`${chunk.length.toString(16)}\r\n`)
    let goesOn = connection.write(chunk)
    if (isChunked) goesOn = connection.write('\r\n')
    if (goesOn) return
    request.pause()
    connection.socket.once('drain', () => request.resume())
  })
  request.on('end', () => {
    if (isOver()) return
    if (isChunked) connection.write('0\r\n\r\n')
    connection.bodyDone()
  })
}

/** Sends a kept body piece by piece, at the upstream's pace. */
export function replayBody(
  body: BufferedBody,
  connection: UpstreamConnection,
  isOver: () => boolean,
  position = 0,
): void {
  body.read(position, (piece) => {
    if (isOver()) return
    if (!piece) {
      connection.bodyDone()
      return
    }
    const goOn = (): void => replayBody(body, connection, isOver, position + piece.length)
    if (connection.write(piece)) goOn()
    else connection.socket.once('drain', goOn)
  })
}
