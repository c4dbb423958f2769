import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { CliError } from '../cli-error.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { issueKey, keyTable, listKeys, revokeKeys, writePrivateKey } from '../identities.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { formatTable } from '../table.ts'
import { whoAmI } from '../who-am-i.ts'

// An alias, since an interface is no record of any key.
type Options = {
  readonly output?: string
  readonly out?: string
  readonly lasts?: string
  readonly grace?: string
  readonly kid?: string
  readonly method?: string
}

const HELP = `
Where intentions say who may call a service, Kong has to know who calls: each calling service signs its requests with a key of
its own (ES256). kongsul/client does it given the file; docs/intentions.md tells how others do.

The pair is made here. The public key goes into Consul's KV (mesh/identities/) and from there to Kong; the private key
is shown once, or written to --out for its owner's eyes only (0600), and kept nowhere else.

Exit codes:
  0  done
  1  an error

Examples:
  kongsul identity issue web --out web.key
  kongsul identity rotate web --grace 1h --out web.key    both keys are valid for an hour
  kongsul identity revoke web --kid 9f2c4e6a8b0d1f35      this key is refused at once
  kongsul identity list`

/** `kongsul identity issue|rotate|revoke|list`. */
export function defineIdentity(command: Command): void {
  command.description('Keys by which calling services are known to Kong.')
  command.addHelpText('after', HELP)
  defineIssue(command, 'issue', 'Gives a calling service an identity.')
  defineIssue(
    command,
    'rotate',
    'Gives a calling service a new key; the old ones stay valid for a while.',
  ).option(
    '--grace <duration>',
    'how long old keys stay valid: 0s, 30m, 12h; intentions.graceSeconds (a day) when not given',
  )
  finish(
    command
      .command('revoke')
      .description('Takes a key, or all keys, of a service away, at once.')
      .argument('<service>', 'the calling service')
      .option('--kid <id>', 'one key; all when not given'),
  ).action(async (service: string, { kid, ...options }: Options) => {
    const io = ioOf(options)
    const revoked = await revokeKeys(commandConfig(options), service, kid)
    if (io.format === 'json') io.json({ revoked, total: revoked.length })
    else for (const each of revoked) io.print(`${each.service}: key ${each.kid} is refused from now on.`)
  })
  finish(
    command
      .command('list')
      .description('Lists the keys that are valid, without anything secret.')
      .argument('[service]', 'of one service'),
  ).action(async (service: string | undefined, options: Options) => {
    const io = ioOf(options)
    const rows = await listKeys(commandConfig(options), service)
    if (io.format === 'json') io.json({ identities: rows, total: rows.length })
    else if (rows.length === 0) io.print('No identities. kongsul identity issue SERVICE gives one.')
    else
      for (const line of formatTable(COLUMNS, keyTable(rows), { width: io.width(), heading: io.paint.dim }))
        io.print(line)
  })
}

const COLUMNS = ['SERVICE', 'KEY', 'CREATED', 'EXPIRES', 'BY'].map((title) => ({
  title,
  shrinks: title === 'BY',
}))

function defineIssue(command: Command, how: 'issue' | 'rotate', description: string): Command {
  const made = command
    .command(how)
    .description(description)
    .argument('<service>', 'the calling service, as Consul names it')
    .option('--out <file>', 'where the private key goes; to standard output when not given')
    .addOption(
      new Option('--method <name>', 'jwt, or key-auth: a shared key, which Kong keeps in clear')
        .choices(['jwt', 'key-auth'])
        .default('jwt'),
    )
    .option('--lasts <duration>', 'how long the key is valid: 12h, 90d; until it is revoked when not given')
  return finish(made).action(async (service: string, { out, lasts, grace, method, ...options }: Options) => {
    const io = ioOf(options)
    if (how === 'issue' && out !== undefined && existsSync(out)) throw fileExists(out, service)
    const known = method === 'key-auth' ? ('key-auth' as const) : ('jwt' as const)
    const wish = { service, by: whoAmI(), method: known, ...(lasts && { lasts }), ...(grace && { grace }) }
    const { identity, text } = await issueKey(commandConfig(options), how, wish)
    if (out !== undefined) writePrivateKey(out, text)
    if (!identity.in_kong) io.note('Kong does not know the key yet: see kongsul status before it is used')
    const told = out === undefined ? { ...identity, private_key: text } : { ...identity, out }
    if (io.format === 'json') io.json(told)
    else if (out === undefined) io.print(text.trimEnd())
    else io.print(`${service}: key ${identity.kid} is in ${out}, and nowhere else.`)
  })
}

function finish(command: Command): Command {
  command.helpOption('-h, --help', 'print help')
  addOutputOption(command)
  addConfigOptions(command, ASKING)
  return command
}

const fileExists = (file: string, service: string): CliError =>
  new CliError('FILE_EXISTS', {
    tried: `issuing an identity into ${file}`,
    answer: 'the file exists',
    remedy: `use kongsul identity rotate ${service} --out ${file}, or another file`,
  })
