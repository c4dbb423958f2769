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

test('columns that may go are left out, the last first, where the narrowest table does not fit', () => {
  const given = [
    { title: 'ID' },
    { title: 'NAME', shrinks: true },
    { title: 'SPANS', mayGo: true },
    { title: 'SERVICES', shrinks: true, mayGo: true },
  ]
  const rows = [['1234567890', 'a-very-long-name', '10', 'web api db cache queue']]
  const titles = (width: number) => formatTable(given, rows, { width })[0]!.split(/ +/)
  assert.deepEqual(titles(100), ['ID', 'NAME', 'SPANS', 'SERVICES'])
  assert.deepEqual(titles(37), ['ID', 'NAME', 'SPANS', 'SERVICES'])
  assert.deepEqual(titles(36), ['ID', 'NAME', 'SPANS'])
  assert.deepEqual(titles(26), ['ID', 'NAME'])
  assert.deepEqual(titles(5), ['ID', 'NAME'])
})
