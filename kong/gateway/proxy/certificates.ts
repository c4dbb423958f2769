import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import type { Store } from '../store.ts'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** A certificate for names nobody configured one for. Throws when `openssl` is missing, saying so. */
export function createDefaultCertificate(): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-tls-'))
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  try {
    const subject = '/C=US/ST=California/L=San Francisco/O=Kong/OU=IT Department/CN=localhost'
    const settings = ['-nodes', '-days', '7300', '-subj', subject, '-keyout', key, '-out', cert]
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...settings],
      {
        stdio: 'ignore',
      },
    )
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } catch (cause) {
    throw new Error('the TLS listener needs a certificate, and making one needs the `openssl` command', {
      cause,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Chooses the certificate for a server name: exact SNI, then `*.rest`, then `start.*`, then `*`, else the default. */
export function certificateChooser(
  store: Store,
  fallback: KeyPair,
): (name: string, done: (error: Error | null, context?: tls.SecureContext) => void) => void {
  let contexts = new Map<string, tls.SecureContext>()
  store.onChange(({ collection }) => {
    if (collection === 'certificates' || collection === 'snis') contexts = new Map()
  })
  const fallbackContext = tls.createSecureContext({ ...fallback })
  return (name, done) => {
    let context = contexts.get(name)
    if (!context) {
      const pair = findPair(store, name.toLowerCase())
      try {
        context = pair ? tls.createSecureContext({ ...pair }) : fallbackContext
      } catch (error) {
        done(error as Error)
        return
      }
      contexts.set(name, context)
    }
    done(null, context)
  }
}

function findPair(store: Store, name: string): KeyPair | undefined {
  const candidates = [name, name.replace(/^[^.]*\./, '*.'), name.replace(/\.[^.]*$/, '.*'), '*']
  for (const candidate of candidates) {
    const sni = store.find('snis', 'name', candidate)
    const row = sni && store.get('certificates', (sni.certificate as { id: string }).id)
    if (row) return { cert: row.cert as string, key: row.key as string }
  }
  return undefined
}
