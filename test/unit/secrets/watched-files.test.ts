import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { carriedText, fromCarried } from '../../../operator/secrets/carried-files.ts'
import { FileSecret } from '../../../operator/secrets/file-secret.ts'
import { HeaderFile } from '../../../operator/secrets/header-file.ts'
import { TlsFiles } from '../../../operator/secrets/tls-files.ts'
import type { FileNews } from '../../../operator/secrets/watched-files.ts'
import { Secret } from '../../../operator/telemetry/secret.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { waitFor } from '../../support/wait-for.ts'

const folder = mkdtempSync(join(tmpdir(), 'kongsul-watched-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
const fresh = (text: string) => {
  const path = join(folder, `file-${count++}`)
  writeFileSync(path, text)
  return path
}
const named = (setting: string, text: string) => ({ setting, path: fresh(text) })
/** Keeps what is told. */
const listening = () => {
  const told: FileNews[] = []
  const problems = () => told.flatMap(({ problem }) => problem ?? [])
  return { told, problems, tell: (news: FileNews) => told.push(news) }
}
const [authority, one, other] = [
  makeCertificate(['authority'], { isAuthority: true }),
  makeCertificate(['one']),
  makeCertificate(['other']),
]

test('a secret is the one that is in the file now', async () => {
  const file = named('kong.tokenFile', 'first\n')
  const { told, tell } = listening()
  const secret = new FileSecret(file, { tell })
  equal(secret.reveal(), 'first')
  writeFileSync(file.path, '  second \n')
  await waitFor(() => secret.reveal() === 'second')
  deepEqual(told, [{ files: [file], problem: null }])
})

test('a secret of a file is shown nowhere', () => {
  const secret = new FileSecret(named('kong.tokenFile', 'hush-hush'), { tell: () => {} })
  for (const shown of [inspect(secret, { depth: 9 }), JSON.stringify({ secret }), `${secret}`])
    ok(!shown.includes('hush-hush'), shown)
})

test('a file that is empty for a moment, or gone, leaves the secret as it was', async () => {
  const file = named('kong.tokenFile', 'first')
  const { problems, tell } = listening()
  const secret = new FileSecret(file, { tell })
  writeFileSync(file.path, '\n')
  await waitFor(() => secret.reveal() && problems().length === 1)
  match(problems()[0]!, /^kong\.tokenFile: .* is empty\. Write the secret into it\.$/)
  rmSync(file.path)
  await waitFor(() => secret.reveal() && problems().length === 2)
  match(problems()[1]!, /^kong\.tokenFile cannot be read: ENOENT.*Mend the path or the permission\.$/)
  equal(secret.reveal(), 'first')
  writeFileSync(file.path, 'second')
  await waitFor(() => secret.reveal() === 'second')
})

test('a file that is empty from the start may be filled later', async () => {
  const file = named('kong.tokenFile', '')
  const secret = new FileSecret(file, { tell: () => {} }, 'of the setting')
  equal(secret.reveal(), 'of the setting')
  writeFileSync(file.path, 'of the file')
  await waitFor(() => secret.reveal() === 'of the file')
})

test('a link that leads to another file is followed, as Kubernetes renews what it mounts', async () => {
  const at = (name: string) => join(folder, 'mounted', name)
  for (const [version, text] of [
    ['v1', 'first'],
    ['v2', 'second'],
  ] as const) {
    mkdirSync(at(version), { recursive: true })
    writeFileSync(join(at(version), 'token'), text)
  }
  symlinkSync('v1', at('..data'))
  symlinkSync(join('..data', 'token'), at('token'))
  const secret = new FileSecret({ setting: 'tokenFile', path: at('token') }, { tell: () => {} })
  equal(secret.reveal(), 'first')
  symlinkSync('v2', at('..next'))
  renameSync(at('..next'), at('..data'))
  await waitFor(() => secret.reveal() === 'second')
})

test('a certificate is used when its key is there too', async () => {
  const names = { cert: named('kong.certFile', one.cert), key: named('kong.keyFile', one.key) }
  const { problems, tell } = listening()
  const files = new TlsFiles(names, { tell })
  writeFileSync(names.cert.path, other.cert)
  await waitFor(() => files.current() && problems().length === 1)
  match(problems()[0]!, /^kong\.keyFile: .* is not the key of the certificate of kong\.certFile/)
  deepEqual(files.current(), { ca: undefined, ...one })
  writeFileSync(names.key.path, other.key)
  await waitFor(() => files.current().key === other.key)
  deepEqual(files.current(), { ca: undefined, ...other })
})

const faults: [what: string, texts: { ca?: string; cert?: string; key?: string }, says: RegExp][] = [
  ['an authority that is none', { ca: 'PEM' }, /^a\.caFile: .* holds no certificate in PEM/],
  [
    'an authority that is cut short',
    { ca: authority.cert.replace(/\n.{20}/, '\n') },
    /^a\.caFile: .* holds a certificate that cannot be read/,
  ],
  [
    'a key where the certificate should be',
    { cert: one.key, key: one.key },
    /^a\.certFile: .* holds no certificate in PEM/,
  ],
  [
    'a certificate where the key should be',
    { cert: one.cert, key: one.cert },
    /^a\.keyFile: .* holds no private key/,
  ],
  [
    'a key of another certificate',
    { cert: one.cert, key: other.key },
    /^a\.keyFile: .* is not the key of the certificate of a\.certFile .* Give both of the same pair\.$/,
  ],
]
for (const [what, { ca, cert, key }, says] of faults) {
  test(`${what} is refused, by its setting and its file`, () => {
    const file = (name: string, text: string | undefined) =>
      text === undefined ? undefined : named(`a.${name}File`, text)
    const names = { ca: file('ca', ca), cert: file('cert', cert), key: file('key', key) }
    throws(() => new TlsFiles(names, { tell: () => {} }), { message: says })
  })
}

test('several authorities in one file are taken', () => {
  const text = `# ours\n${authority.cert}\n${one.cert}`
  equal(new TlsFiles({ ca: named('a.caFile', text) }, { tell: () => {} }).current().ca, text)
})

test('headers are one a line, and read again', async () => {
  const file = named('otlp.headersFile', '# ours\n\nX-Scope-OrgID: shop\r\nAuthorization:Basic a:b==\n')
  const headers = new HeaderFile(file, { tell: () => {} })
  deepEqual(headers.current(), { 'x-scope-orgid': 'shop', authorization: 'Basic a:b==' })
  writeFileSync(file.path, 'authorization: Bearer next')
  await waitFor(() => headers.current()['authorization'] === 'Bearer next')
  deepEqual(headers.current(), { authorization: 'Bearer next' })
})

for (const line of ['hush-hush', ': hush-hush', 'a b: hush-hush', 'a: hush\u0000-hush']) {
  test(`${JSON.stringify(line)} is no header, which is said without what it holds`, () => {
    const file = named('otlp.headersFile', `a: b\n${line}`)
    throws(
      () => new HeaderFile(file, { tell: () => {} }),
      ({ message }: Error) => {
        equal(message, `otlp.headersFile: ${file.path}:2 is no header. Write NAME: VALUE, one a line.`)
        return true
      },
    )
  })
}

test('another process gets the names of files, not what they hold', async () => {
  const token = named('kong.tokenFile', 'hush-hush')
  const names = { cert: named('kong.certFile', one.cert), key: named('kong.keyFile', one.key) }
  const headers = named('otlp.headersFile', 'authorization: hush-hush')
  const watching = { tell: () => {} }
  const text = carriedText({
    token: new FileSecret(token, watching),
    tls: { files: new TlsFiles(names, watching), rejectUnauthorized: true },
    headers: new HeaderFile(headers, watching),
    plain: new Secret('in clear'),
  })
  ok(!text.includes('hush-hush') && !text.includes('PRIVATE KEY'), text)
  const again = fromCarried(text, () => {}) as {
    token: FileSecret
    tls: { files: TlsFiles }
    headers: HeaderFile
    plain: string
  }
  equal(again.token.reveal(), 'hush-hush')
  deepEqual(again.tls.files.current(), { ca: undefined, ...one })
  deepEqual(again.headers.current(), { authorization: 'hush-hush' })
  equal(again.plain, 'in clear')
  writeFileSync(token.path, 'another')
  await waitFor(() => again.token.reveal() === 'another')
})

test('another process begins without a file that cannot be read, and says so', async () => {
  const token = named('kong.tokenFile', 'a')
  const text = carriedText({ token: new FileSecret(token, { tell: () => {} }) })
  rmSync(token.path)
  const { problems, tell } = listening()
  const { token: again } = fromCarried(text, tell) as { token: FileSecret }
  match(problems()[0]!, /^kong\.tokenFile cannot be read/)
  equal(again.reveal(), '')
  writeFileSync(token.path, 'b')
  await waitFor(() => again.reveal() === 'b')
})
