import type { Command } from 'commander'
import { CONFIGURATION } from '../cli/config-options.ts'

const WIDTH = 110

/** docs/cli.md: the help of every command, as the commands themselves print it. */
export function commandsText(root: Command): string {
  const all = visible(root)
  return `# Commands

What \`kongsul COMMAND --help\` prints, for all of them. Results go to standard output, remarks and errors to standard error.
Flags for the settings of the process are left out here: they are in [settings.md](settings.md).

${all.map((command) => `- [\`${pathOf(command)}\`](#${anchor(pathOf(command))}): ${command.summary() || firstSentence(command)}`).join('\n')}
${all.map(section).join('')}`
}

const section = (command: Command): string => `
## ${pathOf(command)}

\`\`\`text
${helpOf(command)}
\`\`\`
`

/** Commands with help of their own, each followed by those below it. */
function visible(command: Command): readonly Command[] {
  const below = command.createHelp().visibleCommands(command)
  return below.filter((each) => each.name() !== 'help').flatMap((each) => [each, ...visible(each)])
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return withoutGroup(text, CONFIGURATION).trim()
}

/** A group of options ends with an empty line. */
function withoutGroup(help: string, title: string): string {
  const [before, after = ''] = help.split(`${title}\n`)
  return `${before}${after.slice(after.indexOf('\n\n') + 1).trimStart()}`
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
const anchor = (heading: string) => heading.replaceAll(' ', '-')
const firstSentence = (command: Command) =>
  command
    .description()
    .split(/(?<=\.)\s/)[0]!
    .replace(/\.$/, '')
