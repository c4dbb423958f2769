// Scripts that complete kongsul's commands and options in a shell. They hold the whole tree, so that a press of Tab starts
// no process.

/** A command as it is completed. */
export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  /** Long options with their values where these are a choice: `--output` -> text, json. */
  readonly options: ReadonlyMap<string, readonly string[]>
  /** Short forms of options with a choice of values: `-o` -> text, json. */
  readonly shorts: ReadonlyMap<string, readonly string[]>
  /** What its arguments may be, where that is a choice. */
  readonly choices: readonly string[]
  readonly commands: readonly CompletedCommand[]
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The script to be read by `shell` (`source <(kongsul completion bash)`). */
export function completionScript(shell: Shell, root: CompletedCommand): string {
  if (shell === 'fish') return fish(root)
  const script = bash(root)
  // zsh reads scripts for bash with a module of its own (zshcompsys(1), bashcompinit).
  return shell === 'zsh'
    ? `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${script}`
    : script
}

interface Place {
  /** Names from below the root: `overrides pin`. */
  readonly path: string
  readonly command: CompletedCommand
}

/** Every command with its path, the root first. */
function places(command: CompletedCommand, path: readonly string[] = []): readonly Place[] {
  const below = command.commands.flatMap((each) => places(each, [...path, each.name]))
  return [{ path: path.join(' '), command }, ...below]
}

function bash(root: CompletedCommand): string {
  const all = places(root)
  const words = all.map(({ path, command }) => {
    const { commands, choices, options } = command
    const offered = [...commands.map(({ name }) => name), ...choices, ...options.keys()]
    return `    ${quoted(path)}) words=${quoted(offered.join(' '))} ;;`
  })
  const values = all.flatMap(({ path, command }) =>
    [...command.options, ...command.shorts]
      .filter(([, choices]) => choices.length > 0)
      .map(
        ([option, choices]) => `    ${quoted(`${path} ${option}`)}) words=${quoted(choices.join(' '))} ;;`,
      ),
  )
  const known = all.slice(1).map(({ path }) => quoted(path))
  return `_${root.name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path='' word words='' values=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${known.join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path $previous" in
${values.join('\n')}
  esac
  if [ -z "$words" ]; then
    case "$path" in
${words.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # Arguments that are no word of ours are often files.
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _${root.name} ${root.name}
`
}

function fish(root: CompletedCommand): string {
  const lines = places(root).flatMap(({ path, command }) => {
    const names = path === '' ? [] : path.split(' ')
    const inside = names.map((name) => `__fish_seen_subcommand_from ${name}`)
    const below = command.commands.map(({ name }) => name).join(' ')
    const atEnd = below === '' ? inside : [...inside, `not __fish_seen_subcommand_from ${below}`]
    const when = atEnd.length === 0 ? '' : ` -n ${quoted(atEnd.join('; and '))}`
    const subcommands = command.commands.map(
      ({ name, summary }) => `complete -c ${root.name} -f${when} -a ${name} -d ${quoted(summary)}`,
    )
    const options = [...command.options].map(([option, choices]) => {
      const takes = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ''
      return `complete -c ${root.name}${when} -l ${option.slice(2)}${takes}`
    })
    const choices = command.choices.map((choice) => `complete -c ${root.name} -f${when} -a ${quoted(choice)}`)
    return [...subcommands, ...choices, ...options]
  })
  return `${lines.join('\n')}\n`
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
