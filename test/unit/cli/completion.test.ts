import { deepEqual, match } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { type CompletedCommand, completionScript } from '../../../operator/cli/completion.ts'

const leaf = (name: string, options: readonly [string, readonly string[]][] = []): CompletedCommand => ({
  name,
  summary: `what ${name} isn't`,
  options: new Map(options),
  shorts: new Map(options.filter(([name]) => name === '--output').map(([, choices]) => ['-o', choices])),
  choices: name === 'adopt' ? ['upstream', 'route'] : [],
  commands: [],
})
const root: CompletedCommand = {
  ...leaf('kongsul', [['--version', []]]),
  commands: [
    leaf('plan', [
      ['--output', ['text', 'json']],
      ['--direct', []],
    ]),
    leaf('adopt', [['--force', []]]),
    { ...leaf('overrides'), commands: [leaf('list'), leaf('pin', [['--field', []]])] },
  ],
}

/** What bash offers for a line that ends where Tab is pressed. */
function offered(line: string): readonly string[] {
  const words = line.split(' ')
  const script = `${completionScript('bash', root)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _kongsul; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', cwd: '/' }).trim().split('\n')
}

test('bash completes commands, those below them, options and their choices', () => {
  deepEqual(offered('kongsul p'), ['plan'])
  deepEqual(offered('kongsul overrides '), ['list', 'pin'])
  deepEqual(offered('kongsul overrides pin --'), ['--field'])
  deepEqual(offered('kongsul plan --o'), ['--output'])
  deepEqual(offered('kongsul plan --output '), ['text', 'json'])
  deepEqual(offered('kongsul plan --direct --output j'), ['json'])
  deepEqual(offered('kongsul plan -o '), ['text', 'json'])
  deepEqual(offered('kongsul adopt '), ['upstream', 'route', '--force'])
})

test('what is no word of ours is taken for a file', () => {
  deepEqual(offered('kongsul plan et'), ['etc'])
})

test('zsh reads the script for bash', () => {
  match(completionScript('zsh', root), /bashcompinit[\s\S]*complete -F _kongsul kongsul/)
})

test('fish knows each command with what it is for, below the command it belongs to', () => {
  const lines = completionScript('fish', root).split('\n')
  const pin = lines.find((line) => line.includes(' -a pin '))
  deepEqual(
    pin,
    `complete -c kongsul -f -n '__fish_seen_subcommand_from overrides; and not __fish_seen_subcommand_from list pin' -a pin -d 'what pin isn'\\''t'`,
  )
  match(lines.join('\n'), /-n '__fish_seen_subcommand_from plan' -l output -x -a 'text json'/)
  match(lines.join('\n'), /-f -n '__fish_seen_subcommand_from adopt' -a 'upstream'/)
})
