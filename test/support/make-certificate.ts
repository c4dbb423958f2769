import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Signed by itself, for these hosts; `ca: true` makes an authority of it, which signs with `by`. */
export function makeCertificate(
  hosts: readonly string[],
  { days = 90, isAuthority = false, by }: { days?: number; isAuthority?: boolean; by?: Certificate } = {},
): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-cert-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  try {
    const names = hosts.map((host) => `DNS:${host}`).join(',')
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key')]
    const about = ['-subj', `/CN=${hosts[0]}`, '-addext', `subjectAltName=${names}`, '-days', String(days)]
    const constraints = ['-addext', `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`]
    const signer = by === undefined ? [] : ['-CA', at('ca'), '-CAkey', at('cakey')]
    if (by !== undefined) {
      execFileSync('sh', ['-c', 'cat > ca'], { cwd: folder, input: by.cert })
      execFileSync('sh', ['-c', 'cat > cakey'], { cwd: folder, input: by.key })
    }
    openssl('req', '-x509', ...curve, ...about, ...constraints, ...signer, '-out', at('cert'))
    return { cert: readFileSync(at('cert'), 'utf8'), key: readFileSync(at('key'), 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
