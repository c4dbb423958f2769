import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable } from '../../../operator/cli/table.ts'

const columns = [{ title: 'NAME', shrinks: true }, { title: 'N', align: 'right' as const }, { title: 'WHAT' }]
const wide = { width: Number.POSITIVE_INFINITY }

test('columns are as wide as their widest cell', () => {
  assert.deepEqual(
    formatTable(
      columns,
      [
        ['web', '1', 'x'],
        ['a-longer-name', '22', 'y'],
      ],
      wide,
    ),
    ['NAME            N  WHAT', 'web             1  x', 'a-longer-name  22  y'],
  )
})

test('a column that shrinks is cut to make the table fit', () => {
  const lines = formatTable(columns, [['a-very-long-service-name', '1', 'x']], { width: 24 })
  assert.deepEqual(lines, ['NAME             N  WHAT', 'a-very-long-se…  1  x'])
})

test('no column gets narrower than it can be read', () => {
  const [, row] = formatTable(columns, [['a-very-long-service-name', '1', 'x']], { width: 5 })
  assert.match(row!, /^a-very-…/)
})

test('colour is put around the cut text and does not count as width', () => {
  const paint = (text: string) => `<${text}>`
  const [, row] = formatTable(columns, [[{ text: 'a-very-long-service-name', paint }, '1', 'x']], {
    width: 24,
  })
  assert.match(row!, /^<a-very-[^>]*…> /)
})

test('a table without rows is its titles', () => {
  assert.deepEqual(formatTable(columns, [], wide), ['NAME  N  WHAT'])
})
