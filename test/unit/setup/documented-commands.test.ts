import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
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

const visible = (command: Command) =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')

/** Every command that does something, with its path. */
const leaves = (command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[path.join(' '), command]]
    : visible(command).flatMap((each) => leaves(each, [...path, each.name()]))

test('the help of each command has its exit codes and examples, or says where they are', async () => {
  const text = commandsText(await program(null))
  const sections = new Map(
    text
      .split(/^## kongsul /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section]),
  )
  const has = (section: string | undefined) =>
    section !== undefined && /^Exit codes:/m.test(section) && /^Examples?:/m.test(section)
  for (const [path] of leaves(await program(null))) {
    const elsewhere = /exit codes and examples: kongsul (.+) --help/.exec(sections.get(path)!)?.[1]
    ok(has(sections.get(elsewhere ?? path)), path)
  }
})

test('the README names every command', async () => {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', '..', 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| (`kongsul [^|]*(?:\\\|[^|]*)*) \|/gm)]
    .map(([, cell]) => cell!)
    .join('\n')
  const missing = visible(await program(null))
    .map((each) => each.name())
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(rows))
  deepEqual(missing, [])
})
