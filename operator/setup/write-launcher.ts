import { chmodSync, existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes a script into an unpacked package that starts its program with the libraries beside it, which come first: they are
 * what it was built with.
 * @param tree folder of the unpacked package
 * @param program path of the program in it, `usr/bin/redis-server`
 * @param name of the script
 * @returns its path
 */
export function writeLauncher(tree: string, program: string, name: string): string {
  const folders = ['usr/lib', 'lib'].flatMap((base) =>
    existsSync(join(tree, base))
      ? readdirSync(join(tree, base))
          .filter((folder) => folder.includes('-linux-'))
          .map((folder) => `$here/${base}/${folder}`)
      : [],
  )
  const target = join(tree, name)
  const staged = `${target}.${process.pid}.tmp`
  const lines = [
    '#!/bin/sh',
    'here=$(dirname "$0")',
    `LD_LIBRARY_PATH="${folders.join(':')}" exec "$here/${program}" "$@"`,
  ]
  writeFileSync(staged, `${lines.join('\n')}\n`)
  chmodSync(staged, 0o755)
  renameSync(staged, target)
  return target
}
