import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropsIn } from '../../../plugins/outcomes/kernel-drops.ts'

const TABLE = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  471: 0100007F:1414 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 98765 2 0000000000000000 12
  472: 0100007F:1415 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 98766 2 0000000000000000 7
  473: 00000000:1414 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 98767 2 0000000000000000 3
`

test('drops of all sockets on the port add up, of others none', () => {
  assert.equal(dropsIn(TABLE, 5140), 15)
  assert.equal(dropsIn(TABLE, 5141), 7)
  assert.equal(dropsIn(TABLE, 80), 0)
  assert.equal(dropsIn('', 5140), 0)
})
