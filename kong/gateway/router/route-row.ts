/** The fields of Kong's `routes` and `services` rows that routing reads; extra fields are kept. */

export interface RouteRow {
  readonly id: string
  readonly name?: string | null
  readonly protocols: readonly string[]
  readonly methods?: readonly string[] | null
  readonly hosts?: readonly string[] | null
  readonly paths?: readonly string[] | null
  readonly headers?: Readonly<Record<string, readonly string[]>> | null
  readonly snis?: readonly string[] | null
  readonly sources?: readonly NetRule[] | null
  readonly destinations?: readonly NetRule[] | null
  readonly regex_priority?: number | null
  readonly strip_path?: boolean | null
  readonly path_handling?: string | null
  readonly preserve_host?: boolean | null
  readonly https_redirect_status_code?: number | null
  readonly request_buffering?: boolean | null
  readonly response_buffering?: boolean | null
  readonly service?: { readonly id: string } | null
}

export interface NetRule {
  readonly ip?: string | null
  readonly port?: number | null
}

export interface ServiceRow {
  readonly id: string
  readonly name?: string | null
  readonly enabled?: boolean | null
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly path?: string | null
  readonly retries: number
  readonly connect_timeout: number
  readonly read_timeout: number
  readonly write_timeout: number
  readonly tls_verify?: boolean | null
  readonly tls_verify_depth?: number | null
  readonly ca_certificates?: readonly string[] | null
  readonly client_certificate?: { readonly id: string } | null
}
