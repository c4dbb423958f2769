import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { ProcessConfig } from '../config/load-config.ts'
import { credentialKey } from '../core/intentions/caller-entities.ts'
import { createKeyPair } from '../identity/key-pair.ts'
import { privateKeyText } from '../identity/private-key-file.ts'
import { callOperator, operatorDown } from './call-operator.ts'
import { CliError, explain } from './cli-error.ts'
import type { Cell } from './table.ts'

/** As the operator's API answers. */
export interface IdentityRow {
  readonly service: string
  readonly kid: string
  readonly iss: string
  readonly created: string
  readonly expires: string | null
  readonly by: string
}

export interface IssuedRow extends IdentityRow {
  /** Of key-auth, told this once. */
  readonly key?: string | null
  readonly in_kong: boolean
}

export interface KeyWish {
  readonly service: string
  readonly by: string
  readonly method: 'jwt' | 'key-auth'
  readonly lasts?: string
  /** Only for a rotation: how long old keys stay valid. */
  readonly grace?: string
}

export interface NewPrivateKey {
  readonly identity: IssuedRow
  /** What the service is given. */
  readonly text: string
}

/** The pair is made here: the private key never is on the network. A key of key-auth is made by the operator. @throws CliError */
export async function issueKey(
  config: ProcessConfig,
  how: 'issue' | 'rotate',
  wish: KeyWish,
): Promise<NewPrivateKey> {
  const pair = wish.method === 'key-auth' ? null : createKeyPair()
  const path = how === 'issue' ? '/identities' : '/identities/rotate'
  const body = pair === null ? wish : { ...wish, public_key: pair.publicKey }
  const identity = await callOperator<IssuedRow>(config, 'POST', path, body)
  if (identity === null) throw operatorDown(config, `${how === 'issue' ? 'issuing' : 'rotating'} an identity`)
  const { key, ...told } = identity
  const text =
    pair === null ? `${key}\n` : privateKeyText(credentialKey(wish.service, identity.kid), pair.privateKey)
  return { identity: told, text }
}

export async function listKeys(
  config: ProcessConfig,
  service: string | undefined,
): Promise<readonly IdentityRow[]> {
  const query = service === undefined ? '' : `?service=${encodeURIComponent(service)}`
  const answer = await callOperator<{ identities: readonly IdentityRow[] }>(
    config,
    'GET',
    `/identities${query}`,
  )
  if (answer === null) throw operatorDown(config, 'listing identities')
  return answer.identities
}

export async function revokeKeys(
  config: ProcessConfig,
  service: string,
  kid: string | undefined,
): Promise<readonly IdentityRow[]> {
  const query = kid === undefined ? '' : `?kid=${encodeURIComponent(kid)}`
  const path = `/identities/${encodeURIComponent(service)}${query}`
  const answer = await callOperator<{ revoked: readonly IdentityRow[] }>(config, 'DELETE', path)
  if (answer === null) throw operatorDown(config, 'revoking an identity')
  return answer.revoked
}

/** Readable by its owner alone, and whole: whoever watches the file never reads half of it. @throws CliError */
export function writePrivateKey(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`
  try {
    const handle = openSync(draft, 'wx', 0o600)
    try {
      writeSync(handle, text)
    } finally {
      closeSync(handle)
    }
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new CliError('FILE_UNWRITABLE', {
      tried: `writing the private key to ${file}`,
      answer: explain(error),
      remedy:
        'the key is lost: revoke it with kongsul identity revoke, and give --out a file that can be written',
    })
  }
}

export function keyTable(rows: readonly IdentityRow[]): (Cell | string)[][] {
  return rows.map(({ service, kid, created, expires, by }) => [service, kid, created, expires ?? 'never', by])
}
