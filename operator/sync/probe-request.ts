import http from 'node:http'
import https from 'node:https'
import { rootCertificates } from 'node:tls'
import type { UpstreamTlsSettings } from '../core/certificates/upstream-tls.ts'

/** How a probe speaks TLS; certificates and key are PEM. */
export interface ProbeTls {
  /** Is the certificate checked: signed by one of `ca`, made out to `serverName`? */
  readonly verify: boolean
  /** null: the host that is asked. */
  readonly serverName: string | null
  /** null: the usual ones of Node. */
  readonly ca: readonly string[] | null
  readonly client: { readonly cert: string; readonly key: string } | null
}

/** As any client does: the usual authorities and these, the name of the URL, nothing shown. */
export const publicTls = (authorities: readonly string[]): ProbeTls => ({
  verify: true,
  serverName: null,
  ca: authorities.length === 0 ? null : [...rootCertificates, ...authorities],
  client: null,
})

/** How Kong speaks TLS to the places of a service. */
export interface ServiceTls extends ProbeTls {
  readonly ca: readonly string[]
  /** What `tls` names that is not there: Kong cannot speak so. */
  readonly missing: readonly string[]
}

export interface ReadPems {
  /** PEM; null for one that is not there. */
  authority(name: string): string | null
  certificate(name: string): { readonly cert: string; readonly key: string } | null
}

export function serviceTls(
  { verify, serverName, ca, clientCertificate }: UpstreamTlsSettings,
  pems: ReadPems,
): ServiceTls {
  const authorities = (ca ?? []).map((name) => ({ name, pem: pems.authority(name) }))
  const client = clientCertificate === null ? null : pems.certificate(clientCertificate)
  return {
    verify,
    serverName,
    ca: authorities.flatMap(({ pem }) => pem ?? []),
    client,
    missing: [
      ...authorities.flatMap(({ name, pem }) => (pem === null ? [`tls.ca ${name}`] : [])),
      ...(clientCertificate !== null && client === null
        ? [`tls.clientCertificate ${clientCertificate}`]
        : []),
    ],
  }
}

/**
 * One GET that follows no redirect.
 * @returns the status
 * @throws why there is none; the reason of the signal once it is aborted
 */
export async function statusOf(url: string, tls: ProbeTls, signal: AbortSignal): Promise<number> {
  const { verify, serverName, ca, client } = tls
  // A connection of its own: one that was opened otherwise proves nothing.
  const options = {
    agent: false,
    signal,
    ...(serverName === null ? {} : { headers: { host: serverName }, servername: serverName }),
    rejectUnauthorized: verify,
    ...(ca === null ? {} : { ca: [...ca] }),
    ...(client === null ? {} : { cert: client.cert, key: client.key }),
  }
  return await new Promise((resolve, reject) => {
    const request = url.startsWith('https:')
      ? https.request(url, options)
      : http.request(url, { agent: false, signal })
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.on('response', (response) => {
      resolve(response.statusCode!)
      response.destroy()
    })
    request.end()
  })
}
