import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** How long it is valid from now on; -1: it has expired. */
  readonly days?: number
  /** An authority, which signs with `by`. */
  readonly isAuthority?: boolean
  readonly by?: Certificate
}

/** For these hosts, signed by itself or by an authority. */
export function makeCertificate(
  hosts: readonly string[],
  { days = 90, isAuthority = false, by }: CertificateOptions = {},
): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-cert-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  try {
    const names = hosts.map((host) => `DNS:${host}`).join(',')
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key')]
    const about = ['-subj', `/CN=${hosts[0]}`, '-addext', `subjectAltName=${names}`]
    const constraints = ['-addext', `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`]
    const signer = by === undefined ? [] : ['-CA', at('ca'), '-CAkey', at('cakey')]
    if (by !== undefined) {
      execFileSync('sh', ['-c', 'cat > ca'], { cwd: folder, input: by.cert })
      execFileSync('sh', ['-c', 'cat > cakey'], { cwd: folder, input: by.key })
    }
    const valid = ['-days', String(days), '-out', at('cert')]
    if (days > 0) openssl('req', '-x509', ...curve, ...about, ...constraints, ...signer, ...valid)
    else {
      openssl('req', '-new', ...curve, ...about, ...constraints, '-out', at('request'))
      const signing = by === undefined ? ['-signkey', at('key')] : [...signer, '-CAcreateserial']
      openssl('x509', '-req', '-in', at('request'), ...signing, '-copy_extensions', 'copy', ...valid)
    }
    return { cert: readFileSync(at('cert'), 'utf8'), key: readFileSync(at('key'), 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
