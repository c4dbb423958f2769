/** One try at an upstream, for the access log. */
export interface TryRecord {
  /** `ip:port`; '' when another try was due and nobody was left to ask. */
  readonly address: string
  /** Status of the try; 502 and 504 are nginx's own. */
  status: number
  connectMs: number | null
  headerMs: number | null
  responseMs: number
  /** Unix time. */
  readonly startedAtMs: number
  bytesSent: number
  bytesReceived: number
  /** Of the body alone. */
  bodyBytes: number
}

/** A try that starts now. */
export function newTry(address: string): TryRecord {
  return {
    address,
    status: 0,
    connectMs: null,
    headerMs: null,
    responseMs: 0,
    startedAtMs: Date.now(),
    bytesSent: 0,
    bytesReceived: 0,
    bodyBytes: 0,
  }
}
