import { Argument, type Command } from 'commander'
import { type CompletedCommand, completionScript, SHELLS, type Shell } from '../completion.ts'

const HELP = `
Exit codes:
  0  printed
  1  an error

Examples:
  source <(kongsul completion bash)                                    this shell; in ~/.bashrc for all
  source <(kongsul completion zsh)
  kongsul completion fish > ~/.config/fish/completions/kongsul.fish`

/**
 * `kongsul completion SHELL`.
 * @param whole the command line with every command defined
 */
export const defineCompletion =
  (whole: () => Promise<Command>) =>
  (command: Command): void => {
    command
      .description('Prints a script that completes commands and options in your shell.')
      .addArgument(new Argument('<shell>', 'whose script').choices([...SHELLS]))
      .addHelpText('after', HELP)
      .action(async (shell: Shell) => {
        process.stdout.write(completionScript(shell, completed(await whole())))
      })
  }

function completed(command: Command): CompletedCommand {
  const help = command.createHelp()
  const options = help
    .visibleOptions(command)
    .flatMap(({ long, argChoices }) => (long ? [[long, argChoices ?? []] as const] : []))
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    options: new Map(options),
    shorts: new Map(
      help
        .visibleOptions(command)
        .flatMap(({ short, argChoices }) => (short && argChoices ? [[short, argChoices] as const] : [])),
    ),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map(completed),
  }
}
