import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import { plot } from './plot.ts'
import { markdown } from './report.ts'

const DOCS = join(import.meta.dirname, '..', '..', 'docs')

export interface StoredRun {
  readonly machine: string
  readonly parts: Readonly<Record<string, readonly Figure[]>>
}

/** What docs/ has of a run, by path below it. Pure. */
export function benchDocs(run: StoredRun): ReadonlyMap<string, string> {
  const parts = Object.entries(run.parts)
  return new Map([
    ['bench.json', `${JSON.stringify(run, null, 2)}\n`],
    ['bench.md', markdown(new Map(parts), run.machine)],
    ...parts.map(([name, figures]) => [`bench/${name}.svg`, plot(name, figures)] as const),
  ])
}

/** Writes them, and takes plots away of which there is no part any more. */
export function writeBenchDocs(run: StoredRun): void {
  const docs = benchDocs(run)
  mkdirSync(join(DOCS, 'bench'), { recursive: true })
  for (const name of readdirSync(join(DOCS, 'bench')))
    if (!docs.has(`bench/${name}`)) rmSync(join(DOCS, 'bench', name))
  for (const [path, text] of docs) writeFileSync(join(DOCS, path), text)
}
