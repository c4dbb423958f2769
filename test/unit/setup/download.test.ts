import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { downloadChecked } from '../../../operator/setup/download.ts'
import { zipEntry } from '../../../operator/setup/zip-entry.ts'

const body = Buffer.from('the bytes that were released')
const digest = createHash('sha256').update(body).digest('hex')
const server = createServer((request, response) => {
  response.statusCode = request.url === '/there' ? 200 : 404
  response.end(body)
})
let url: string
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

test('a download is handed on when its digest is right', async () => {
  deepEqual(await downloadChecked(`${url}/there`, digest), body)
})

test('a download with another digest is refused, and the message names both', async () => {
  const expected = digest.replaceAll(/./g, '0')
  await rejects(downloadChecked(`${url}/there`, expected), (error: Error) => {
    match(error.message, new RegExp(`${url}/there: SHA-256 is ${digest}, expected ${expected}`))
    return true
  })
})

test('an answer other than 200 and a server that is away are refused by name', async () => {
  await rejects(downloadChecked(`${url}/gone`, digest), /\/gone: answered 404/)
  await rejects(downloadChecked('http://127.0.0.1:1/x', digest), /http:\/\/127\.0\.0\.1:1\/x: /)
})

/** A zip archive of one entry, as small as it can be. */
function zipOf(name: string, content: Buffer, packed: Buffer, method: number): Buffer {
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50)
  local.writeUInt16LE(name.length, 26)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50)
  entry.writeUInt16LE(method, 10)
  entry.writeUInt32LE(packed.length, 20)
  entry.writeUInt32LE(content.length, 24)
  entry.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(30 + name.length + packed.length, 16)
  return Buffer.concat([local, Buffer.from(name), packed, entry, Buffer.from(name), end])
}

test('an entry of a zip archive is read, stored or deflated', () => {
  equal(zipEntry(zipOf('consul', body, body, 0), 'consul').toString(), body.toString())
  equal(zipEntry(zipOf('consul', body, deflateRawSync(body), 8), 'consul').toString(), body.toString())
})

test('what is no zip archive, or has no such entry, is said', () => {
  throws(() => zipEntry(body, 'consul'), /not a zip archive/)
  throws(() => zipEntry(zipOf('other', body, body, 0), 'consul'), /has no consul/)
})
