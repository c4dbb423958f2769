import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CERTIFICATES_PREFIX } from '../../core/certificates/certificate-document.ts'
import { parseSealKey, seal } from '../../secrets/seal.ts'
import { CliError } from '../cli-error.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

const HELP = `
The sealed text goes into "key" of KV mesh/certificates/NAME. It opens for that name alone, with the same key file:
the operator has it as secrets.keyFile (KONGSUL_SECRETS_KEY_FILE). Make one with

  openssl rand -base64 32 > seal.key && chmod 600 seal.key

Exit codes:
  0  printed
  1  a file cannot be read, or the key file holds no 32 bytes

Examples:
  kongsul seal shop --key-file seal.key < shop.key
  kongsul seal shop --key-file seal.key --in shop.key -o json`

/** `kongsul seal NAME`. */
export function defineSeal(command: Command): void {
  command
    .description('Seals a private key for KV mesh/certificates/NAME.')
    .argument('<name>', 'name of the certificate')
    .requiredOption('--key-file <file>', 'file with the key that seals')
    .option('--in <file>', 'file with the private key; standard input without')
    .addHelpText('after', HELP)
    .action((name: string, options: { keyFile: string; in?: string; output?: string }) => {
      const io = ioOf(options)
      const sealed = seal(read(options.in), keyOf(options.keyFile), CERTIFICATES_PREFIX + name)
      if (io.format === 'json') io.json({ name, key: sealed })
      else io.print(sealed)
    })
  addOutputOption(command)
}

const STDIN = 0

function keyOf(file: string): Buffer {
  const text = read(file)
  try {
    return parseSealKey(text)
  } catch (cause) {
    const { message } = cause as Error
    throw new CliError(
      'SEAL_KEY',
      { tried: `reading ${file}`, answer: message, remedy: 'give another file' },
      { cause },
    )
  }
}

function read(file: string | undefined): string {
  try {
    return readFileSync(file ?? STDIN, 'utf8')
  } catch (cause) {
    const tried = `reading ${file ?? 'standard input'}`
    const answer = (cause as Error).message
    throw new CliError('FILE_UNREAD', { tried, answer, remedy: 'mend the path or the permission' }, { cause })
  }
}
