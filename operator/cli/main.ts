// The command line: what is asked for is in program.ts and the files of the commands.
import { program } from './program.ts'
import { reportError } from './report-error.ts'

// `kongsul plan | head` closes the pipe early; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const args = process.argv.slice(2)
try {
  const root = await program(args)
  // Help as the answer to no command is an answer, not an error.
  if (args.length === 0) root.outputHelp()
  else await root.parseAsync(args, { from: 'user' })
} catch (error) {
  reportError(error, args)
  process.exitCode = 1
}
