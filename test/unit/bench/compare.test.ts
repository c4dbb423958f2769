import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { comparedLines, compareRuns } from '../../bench/compare.ts'
import { benchDocs } from '../../bench/docs.ts'
import type { Figure } from '../../bench/figure.ts'
import { METHODS } from '../../bench/methods.ts'
import { plot } from '../../bench/plot.ts'

const figure = (what: string, value: number, unit: string, baseline?: number): Figure => ({
  ...{ what, value, unit },
  ...(baseline === undefined ? {} : { baseline: { what: 'bare', value: baseline } }),
})
const worse = (before: Figure, after: Figure) => compareRuns({ part: [before] }, { part: [after] })[0]?.worse

test('less is better of times, more of throughputs', () => {
  equal(worse(figure('x', 10, 'ms'), figure('x', 20, 'ms')), 2)
  equal(worse(figure('x', 20, 'ms'), figure('x', 10, 'ms')), 0.5)
  equal(worse(figure('x', 1000, '/s'), figure('x', 500, '/s')), 2)
  equal(worse(figure('x', 500, '1/s'), figure('x', 1000, '1/s')), 0.5)
})

test('a machine that is slower in all is no regression where there is a baseline', () => {
  equal(worse(figure('x', 10, 'ms', 5), figure('x', 40, 'ms', 20)), 1)
  equal(worse(figure('x', 900, '/s', 1000), figure('x', 450, '/s', 500)), 1)
  equal(worse(figure('x', 10, 'ms', 5), figure('x', 20, 'ms', 5)), 2)
})

test('the first failure is a regression, though nothing can be divided by none', () => {
  equal(worse(figure('failed', 0, ''), figure('failed', 1, '')), Number.POSITIVE_INFINITY)
  equal(worse(figure('failed', 0, ''), figure('failed', 0, '')), 1)
})

test('what is worse by more than half is told, worst first; new and renamed figures are not compared', () => {
  const before = { a: [figure('x', 10, 'ms'), figure('y', 10, 'ms')], b: [figure('z', 1, 's')] }
  const after = {
    a: [figure('x', 16, 'ms'), figure('y', 14, 'ms'), figure('new', 9, 'ms')],
    b: [figure('z', 4, 's')],
  }
  const lines = comparedLines(compareRuns(before, after))
  deepEqual(lines, [
    'worse: b, z: 1 -> 4 (4 times)',
    'worse: a, x: 10 -> 16 (1.6 times)',
    '3 figures compared: 2 worse by more than 50 %.',
  ])
})

test('docs/bench.md and the plots are what docs/bench.json gives', () => {
  const docs = join(import.meta.dirname, '..', '..', '..', 'docs')
  const read = (path: string) => readFileSync(join(docs, path), 'utf8')
  for (const [path, text] of benchDocs(JSON.parse(read('bench.json'))))
    equal(read(path), text, `${path}: npm run bench -- --docs`)
})

test('each part of the bench says how it is measured, and how to measure it again', () => {
  const docs = join(import.meta.dirname, '..', '..', '..', 'docs')
  const { parts } = JSON.parse(readFileSync(join(docs, 'bench.json'), 'utf8')) as { parts: object }
  deepEqual(Object.keys(METHODS).sort(), Object.keys(parts).sort())
  const page = readFileSync(join(docs, 'bench.md'), 'utf8')
  for (const [name, method] of Object.entries(METHODS))
    ok(page.includes(`## ${name}\n\n${method}\nAgain: \`npm run bench -- ${name}\`.\n`), name)
})

test('what is worse than its baseline is listed first, the largest loss first', () => {
  const run = {
    machine: 'here',
    parts: {
      a: [figure('slower', 20, 'ms', 10), figure('quicker', 5, 'ms', 10), figure('alone', 9, 'ms')],
      b: [figure('fewer', 100, '/s', 400), figure('more', 800, '/s', 400), figure('as good', 10.2, 'ms', 10)],
    },
  }
  const page = benchDocs(run).get('bench.md')!
  const rows = [...page.matchAll(/^\| \[(\w)\]\(#\w\) \| ([\w ]+) \| bare \| (\S+) \|$/gm)].map(
    ([, ...cells]) => cells,
  )
  deepEqual(rows, [
    ['b', 'fewer', '4'],
    ['a', 'slower', '2'],
  ])
})

test('a plot names every figure, and what could end a tag is escaped', () => {
  const svg = plot('<part>', [figure('p50 & p95', 3, 'ms', 2), figure('failed', 0, '')])
  match(svg, /&lt;part&gt;/)
  match(svg, />p50 &amp; p95</)
  match(svg, />failed</)
})
