import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { program } from '../../../operator/cli/program.ts'
import { commandsText } from '../../../operator/setup/documented-commands.ts'

test('docs/cli.md is what the commands print', async () => {
  const docs = join(import.meta.dirname, '..', '..', '..', 'docs', 'cli.md')
  equal(readFileSync(docs, 'utf8'), commandsText(await program(null)), 'npm run generate')
})

test('hidden commands are not in it, commands below others are', async () => {
  const text = commandsText(await program(null))
  ok(!text.includes('sample-service'))
  ok(text.includes('\n## kongsul overrides pin\n'))
})
