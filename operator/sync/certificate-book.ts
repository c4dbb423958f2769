import {
  AUTHORITIES_PREFIX,
  faultOfAuthority,
  readAuthorityDocument,
} from '../core/certificates/authority-document.ts'
import {
  CERTIFICATES_PREFIX,
  type CertificateDocument,
  type ReadCertificateDocument,
  readCertificateDocument,
} from '../core/certificates/certificate-document.ts'
import type { Certificates } from '../core/certificates/certificate-entities.ts'
import {
  type JudgedCertificate,
  judgeCertificate,
  type ReadyCertificate,
} from '../core/certificates/judge-certificate.ts'
import { CONNECT } from '../core/certificates/upstream-tls.ts'
import type { Problem } from '../core/problem.ts'
import type { Refusal } from '../core/settings.ts'
import { CertificateFiles, type CertificateFolders } from './certificate-files.ts'
import type { ConnectLeaf } from './connect-identity.ts'

export interface CertificateBookOptions extends CertificateFolders {
  /** Has the gateway an identity in Consul Connect? It comes by `setIdentity`. */
  readonly hasIdentity: boolean
  /** Certificates came, went or were renewed. */
  readonly onChange: (certificates: Certificates) => void
  /** Documents that are no good, by key; told each time they are looked at. */
  readonly onRefused: (refused: ReadonlyMap<string, Refusal>) => void
}

/** How often files are looked at for being renewed. */
const LOOK_MS = 1_000
const DAY_MS = 86_400_000
const WARN_DAYS = 14
const ALARM_DAYS = 3

interface KnownAuthority {
  readonly text: string
  readonly stamp: string
  readonly fault: string | null
  /** PEM of the last good one. */
  readonly good: string | null
  readonly goodText: string | null
}

const isSame = <T>(one: ReadonlyMap<string, T>, other: ReadonlyMap<string, T>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value)

/** Where KV tells that a document is refused; null for documents of other kinds. */
export const certificateStatusKey = (document: string): string | null =>
  OWN.test(document) ? document.replace('mesh/', 'mesh/status/') : null

const OWN = /^mesh\/(?:certificates|authorities)\//

interface Known {
  readonly text: string
  readonly read: ReadCertificateDocument
  /** Of the files and the key file when they were read. */
  readonly stamp: string
  readonly judged: JudgedCertificate
  /** The last good one, whatever came after it. */
  readonly good: ReadyCertificate | null
  readonly goodText: string | null
}

/**
 * Certificates of KV `mesh/certificates/<name>` with their files. One that cannot be read any more stays as it was; after
 * a restart as Kong has it.
 */
export class CertificateBook {
  readonly #options: CertificateBookOptions
  readonly #files: CertificateFiles
  readonly #timer: NodeJS.Timeout
  #documents: ReadonlyMap<string, string> = new Map()
  #known: ReadonlyMap<string, Known> = new Map()
  #authorities: ReadonlyMap<string, KnownAuthority> = new Map()
  #identity: ReadyCertificate | null = null
  #isRead = false

  constructor(options: CertificateBookOptions) {
    this.#options = options
    this.#files = new CertificateFiles(options)
    this.#timer = setInterval(() => {
      const all = [...this.#known.values(), ...this.#authorities.values()]
      const hasFiles = all.some(({ stamp }) => stamp !== '')
      if (hasFiles) this.review()
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** All documents of KV; those of other kinds are not looked at. */
  setDocuments(documents: ReadonlyMap<string, string>): void {
    this.#documents = new Map([...documents].filter(([key]) => OWN.test(key)))
    this.review()
  }

  /** The gateway's own certificate from Consul Connect. */
  setIdentity({ cert, key }: ConnectLeaf): void {
    if (this.#identity?.cert === cert) return
    const judged = judgeCertificate(CONNECT, cert, key, [], Number.POSITIVE_INFINITY)
    if (!judged.ok) return
    this.#identity = judged.certificate
    if (this.#isRead) this.#tell()
  }

  /** Looks whether documents or files differ from what was read last. */
  review(): void {
    const known = new Map<string, Known>()
    const authorities = new Map<string, KnownAuthority>()
    for (const [key, text] of this.#documents) {
      if (key.startsWith(CERTIFICATES_PREFIX)) known.set(key, this.#look(key, text, this.#known.get(key)))
      else authorities.set(key, this.#lookAtAuthority(text, this.#authorities.get(key)))
    }
    if (this.#isRead && isSame(known, this.#known) && isSame(authorities, this.#authorities)) return
    this.#known = known
    this.#authorities = authorities
    this.#isRead = true
    this.#options.onRefused(this.#refused())
    this.#tell()
  }

  #tell(): void {
    const own = [...this.#known].map(
      ([key, { good }]) => [key.slice(CERTIFICATES_PREFIX.length), good] as const,
    )
    const all = this.#options.hasIdentity ? [...own, [CONNECT, this.#identity] as const] : own
    const authorities = [...this.#authorities].map(
      ([key, { good }]) => [key.slice(AUTHORITIES_PREFIX.length), good] as const,
    )
    this.#options.onChange({
      ready: all.flatMap(([, good]) => (good === null ? [] : [good])),
      kept: all.flatMap(([name, good]) => (good === null ? [name] : [])),
      authorities: authorities.flatMap(([name, cert]) => (cert === null ? [] : [{ name, cert }])),
      keptAuthorities: authorities.flatMap(([name, cert]) => (cert === null ? [name] : [])),
    })
  }

  /** PEM of the authority; null while there is no good one. */
  authority(name: string): string | null {
    return this.#authorities.get(AUTHORITIES_PREFIX + name)?.good ?? null
  }

  /** `connect`: of the gateway's own identity; null while there is no good one. */
  certificate(name: string): ReadyCertificate | null {
    return name === CONNECT ? this.#identity : (this.#known.get(CERTIFICATES_PREFIX + name)?.good ?? null)
  }

  problems(): readonly Problem[] {
    const nowMs = Date.now()
    const authorities = [...this.#authorities].flatMap(([key, { fault, good }]): Problem[] => {
      const rest = good === null ? 'what Kong has of it stays' : 'the last good one stays'
      const message = `KV ${key}: ${fault}; ${rest}`
      return fault === null ? [] : [{ code: 'CERTIFICATE_INVALID', severity: 'error', service: '', message }]
    })
    const certificates = [...this.#known].flatMap(([key, { judged, good }]) => {
      const told: Problem[] = []
      const tell = (code: string, severity: Problem['severity'], what: string): void => {
        told.push({ code, severity, service: '', message: `KV ${key}: ${what}` })
      }
      if (!judged.ok) {
        const rest = good === null ? 'what Kong has of it stays' : 'the last good one stays'
        for (const error of judged.errors) tell('CERTIFICATE_INVALID', 'error', `${error}; ${rest}`)
      } else for (const text of judged.advice) tell('CERTIFICATE_NAMES', 'warning', text)
      const days = good === null ? Number.POSITIVE_INFINITY : (good.endsAtMs - nowMs) / DAY_MS
      if (days < WARN_DAYS) {
        const verb = days < 0 ? 'ended' : 'ends'
        const severity = days < ALARM_DAYS ? 'error' : 'warning'
        tell(
          'CERTIFICATE_EXPIRING',
          severity,
          `it ${verb} ${new Date(good!.endsAtMs).toISOString()}; renew it`,
        )
      }
      return told
    })
    return [...authorities, ...certificates]
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(key: string, text: string, before: Known | undefined): Known {
    const read = before?.text === text ? before.read : readCertificateDocument(text)
    const stamp = read.ok ? this.#stampOf(read.document) : ''
    const isKnown = before?.text === text && before.stamp === stamp
    if (isKnown && before.judged.ok) return before
    const name = key.slice(CERTIFICATES_PREFIX.length)
    const isTaken = name === CONNECT && read.ok
    const errors = ['connect is the name of the certificate from Consul Connect; choose another']
    const judged = isTaken
      ? { ok: false as const, errors }
      : read.ok
        ? this.#judge(name, read.document)
        : read
    const isGood = judged.ok
    // It may have been too early for it.
    if (isKnown && !isGood) return before
    const good = isGood ? judged.certificate : (before?.good ?? null)
    return { text, read, stamp, judged, good, goodText: isGood ? text : (before?.goodText ?? null) }
  }

  #lookAtAuthority(text: string, before: KnownAuthority | undefined): KnownAuthority {
    const read = readAuthorityDocument(text)
    const stamp = this.#files.stampOf(read.ok && 'file' in read.cert ? [read.cert.file] : [])
    if (before?.text === text && before.stamp === stamp) return before
    let cert = ''
    let fault: string | null = read.ok ? null : read.errors.join('; ')
    try {
      if (read.ok) cert = 'text' in read.cert ? read.cert.text : this.#files.read('certFile', read.cert.file)
      fault ??= faultOfAuthority(cert)
    } catch (error) {
      fault = (error as Error).message
    }
    if (fault === null) return { text, stamp, fault, good: cert, goodText: text }
    return { text, stamp, fault, good: before?.good ?? null, goodText: before?.goodText ?? null }
  }

  #judge(name: string, { cert, key, hosts }: CertificateDocument): JudgedCertificate {
    try {
      const certText = 'text' in cert ? cert.text : this.#files.read('certFile', cert.file)
      const keyText =
        'sealed' in key
          ? this.#files.open(key.sealed, CERTIFICATES_PREFIX + name)
          : this.#files.read('keyFile', key.file)
      return judgeCertificate(name, certText, keyText, hosts, Date.now())
    } catch (error) {
      return { ok: false, errors: [(error as Error).message] }
    }
  }

  #stampOf({ cert, key }: CertificateDocument): string {
    const files = [cert, key].flatMap((each) => ('file' in each ? [each.file] : []))
    return this.#files.stampOf(files, 'sealed' in key)
  }

  #refused(): ReadonlyMap<string, Refusal> {
    return new Map([
      ...[...this.#known].flatMap(([key, { judged, goodText }]) =>
        judged.ok ? [] : [[key, { errors: judged.errors, lastGood: goodText }] as const],
      ),
      ...[...this.#authorities].flatMap(([key, { fault, goodText }]) =>
        fault === null ? [] : [[key, { errors: [fault], lastGood: goodText }] as const],
      ),
    ])
  }
}
