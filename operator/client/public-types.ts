// What `kongsul/client` offers, as its types say it. Nothing is imported here: this file is published as it is.
import type {
  ClientRequest,
  IncomingMessage,
  RequestListener,
  RequestOptions,
  ServerResponse,
} from 'node:http'

export type Health = 'healthy' | 'degraded' | 'unhealthy'

export interface JoinOptions {
  /** Name of the service: 1 to 64 of a-z, 0-9 and -. */
  readonly service: string
  /** Where it listens. */
  readonly port: number
  /** How others reach it. Found out when not given: the address that this machine has towards the agent or operator. */
  readonly address?: string
  /** Unique among the agent's services; `<service>-<address>-<port>` when not given. Only with an agent. */
  readonly id?: string
  readonly tags?: readonly string[]
  /** Texts; anything else becomes JSON. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** 0 to 65535. */
  readonly weight?: number
  /** Reachable through the proxy; true when not given. */
  readonly expose?: boolean
  /** The instance says every third of this time how it is; without a word for so long it is unhealthy. 15 when not given. */
  readonly ttlSeconds?: number
  /** Consul asks, in place of the instance telling. `status` is of no use then. */
  readonly check?: {
    /** Path on the instance, e.g. `/health`. */
    readonly http: string
    /** 10 when not given. */
    readonly intervalSeconds?: number
    /** 5 when not given. */
    readonly timeoutSeconds?: number
  }
  /** An instance that was unhealthy for so long is taken out of Consul, which wants 60 at least. 60 when not given. */
  readonly deregisterAfterSeconds?: number
  /** false: something else registers the instance, and only traces are handed on. true when not given. */
  readonly register?: boolean
  /** The service's own Consul agent; CONSUL_HTTP_ADDR, or http://127.0.0.1:8500. */
  readonly consul?: string
  /** An operator, e.g. http://10.0.0.5:8080: it registers in place of an agent of our own. */
  readonly operator?: string
  /** For Consul (else CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE) or the operator (else KONGSUL_TOKEN_FILE). */
  readonly token?: string
  /** Says who calls, where intentions ask: the text that `kongsul identity issue` told. */
  readonly identity?: string
  /** The same in a file, which is read again when it changes; KONGSUL_IDENTITY_FILE. */
  readonly identityFile?: string
  /** Kong's proxy, for calls to hosts of the mesh; KONG_PROXY_URL, or http://127.0.0.1:8000. */
  readonly proxy?: string
  /** Hosts that end in it are asked through the proxy; `mesh` when not given. */
  readonly hostSuffix?: string
  /** Where spans go, OTLP/HTTP; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT, else nowhere. */
  readonly otlp?: string
  /** Sent with spans, e.g. for authentication. */
  readonly otlpHeaders?: Readonly<Record<string, string>>
  /** Share (0 to 1) of traces that begin here and are recorded; 1 when not given. */
  readonly samplingRate?: number
  /** Headers that go on to what is called, beside those of traces; x-request-id when not given. */
  readonly forward?: readonly string[]
  /** Leaves by itself on SIGTERM and SIGINT, and when the process ends; true when not given. */
  readonly leaveOnExit?: boolean
  /** How long requests are still answered after a signal, until the gateway has heard of it, in ms; 500 when not given. */
  readonly leaveDelayMs?: number
  /** What is worth knowing; stderr when not given. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** A service that has joined. */
export interface Mesh {
  readonly id: string
  readonly service: string
  /** How others reach it. */
  readonly address: string
  readonly port: number
  /** Whether Consul has it, as far as is known. Where not, it is tried again until it has. */
  readonly isRegistered: boolean
  /**
   * Says how the instance is, until it says otherwise. Told at once, and with every heartbeat.
   * @throws TypeError for an instance that Consul asks by itself (`check`), or that is registered by others
   */
  status(health: Health, note?: string): Promise<void>
  /** Takes the instance out of Consul, and sends what spans wait. May be called more than once. */
  leave(): Promise<void>
  /** For express, connect and whatever takes (request, response, next): what follows belongs to the request's trace. */
  readonly middleware: (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => void
  /** The same for a handler of node:http. */
  handler(listener: RequestListener): RequestListener
  /** As the global fetch, with the trace's headers, and through the proxy for hosts of the mesh (redirects of those are not followed). */
  readonly fetch: typeof globalThis.fetch
  /** As node:http's and node:https's request, in the same way. */
  request(
    url: string | URL,
    options?: RequestOptions,
    callback?: (response: IncomingMessage) => void,
  ): ClientRequest
  /** Makes an instance of axios do the same. @returns takes it off again */
  axios(instance: AxiosLike): () => void
  /** Headers of the trace that is under way, for clients that are none of these. */
  traceHeaders(): Record<string, string | string[]>
  /** Who calls, as headers for clients that are none of these; none without an identity. Asked for each call: tokens are short-lived. */
  identityHeaders(): Record<string, string>
  /** Runs something as part of the trace that these headers name: a message from a queue, a job. */
  trace<T>(headers: Readonly<Record<string, string | readonly string[] | undefined>>, work: () => T): T
}

/** The part of axios that is used. */
export interface AxiosLike {
  readonly interceptors: { readonly request: AxiosInterceptors; readonly response: AxiosInterceptors }
}

export interface AxiosInterceptors {
  // biome-ignore lint/suspicious/noExplicitAny: of every version of axios
  use(done: (value: any) => any, failed?: (error: any) => any): number
  eject(id: number): void
}
