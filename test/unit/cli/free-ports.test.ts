import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { pickFreePorts } from '../../../operator/cli/up/free-ports.ts'

test('ports are different, and none that is meant for somebody else', async () => {
  const even = Array.from({ length: 32_768 }, (_, half) => 2 * half)
  const picked = await pickFreePorts(50, even)
  equal(new Set(picked).size, 50)
  deepEqual(
    picked.filter((port) => port % 2 === 0),
    [],
  )
})
