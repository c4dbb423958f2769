/** What KV has to hold for an identity to be issued, rotated or revoked. Keys and times are handed in. */

import { type Identity, identityKey, identityText, secretKey } from './identities.ts'

/** In the order in which they are to be made. */
export interface IdentityWrite {
  readonly key: string
  /** null removes the key. */
  readonly text: string | null
}

export interface NewKey {
  readonly service: string
  readonly kid: string
  /** null for key-auth. */
  readonly publicKey: string | null
  readonly by: string
  readonly nowMs: number
  /** How long it is valid, in ms; null: until it is revoked. */
  readonly lastsMs: number | null
}

export function newIdentity({ service, kid, publicKey, by, nowMs, lastsMs }: NewKey): Identity {
  const expiresMs = lastsMs === null ? null : nowMs + lastsMs
  const method = publicKey === null ? 'key-auth' : 'jwt'
  return { service, kid, method, publicKey, createdMs: nowMs, expiresMs, by }
}

/**
 * The new key first; then those there were are given an end, none a later one than it had.
 * @param own all identities of the service
 */
export function rotationWrites(
  own: readonly Identity[],
  added: Identity,
  graceMs: number,
): readonly IdentityWrite[] {
  const endMs = added.createdMs + graceMs
  const old = own.filter(({ kid, method }) => kid !== added.kid && method === added.method)
  return [
    writeOf(added),
    ...old.flatMap((each): readonly IdentityWrite[] => {
      const expiresMs = Math.min(each.expiresMs ?? endMs, endMs)
      return graceMs === 0 ? removalOf(each) : [writeOf({ ...each, expiresMs })]
    }),
  ]
}

export const writeOf = (identity: Identity): IdentityWrite => ({
  key: identityKey(identity.service, identity.kid),
  text: identityText(identity),
})

/** @param kid null: all of them */
export const revocationWrites = (own: readonly Identity[], kid: string | null): readonly IdentityWrite[] =>
  own.filter((each) => kid === null || each.kid === kid).flatMap(removalOf)

/** With what is sealed of it. */
const removalOf = ({ service, kid, method }: Identity): readonly IdentityWrite[] => [
  { key: identityKey(service, kid), text: null },
  ...(method === 'key-auth' ? [{ key: secretKey(service, kid), text: null }] : []),
]
