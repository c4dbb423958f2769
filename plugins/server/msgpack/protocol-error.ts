export type ProtocolErrorCode = 'GARBAGE' | 'TOO_LARGE' | 'TOO_DEEP' | 'NOT_RPC'

/** Bytes that are no message of the protocol. The connection they came on cannot be understood any further. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.name = 'ProtocolError'
    this.code = code
  }
}
