import { revealed, type Secret } from '../telemetry/secret.ts'
import type { TlsFiles } from './tls-files.ts'

/** How we speak TLS to somebody: PEM texts, or files that are looked at again. */
export interface TlsConfig {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | Secret | undefined
  /** Instead of the three, and read again when they change. */
  readonly files?: TlsFiles | undefined
  readonly rejectUnauthorized?: boolean | undefined
  /** The name that the certificate has to have, and that is asked for; that of the address when not given. */
  readonly serverName?: string | undefined
}

/** As node:tls takes them. */
export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

/** What a connection that is made now is made with. */
export function tlsOptions(config: TlsConfig = {}): TlsOptions {
  const { ca, cert, key } = config.files?.current() ?? { ...config, key: revealed(config.key) }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(config.serverName === undefined ? {} : { servername: config.serverName }),
    rejectUnauthorized: config.rejectUnauthorized ?? true,
  }
}

/** Whether something is said that is not so anyway. */
export const saysTls = ({ ca, cert, key, files, rejectUnauthorized, serverName }: TlsConfig): boolean =>
  [ca, cert, key, files, serverName].some((each) => each !== undefined) || rejectUnauthorized === false

export const isSameTls = (one: TlsOptions, other: TlsOptions): boolean =>
  (['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const).every(
    (name) => one[name] === other[name],
  )
