/** `kong`, `caFile` -> `kong.caFile`; `traces.export`, `caFile` -> `traces.exportCaFile`. */
export const tlsSetting = (prefix: string, name: string): string =>
  prefix.includes('.') ? `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}` : `${prefix}.${name}`

/**
 * What mends a TLS connection that was not made, by the code of Node and OpenSSL; '' for what is none of theirs. Pure.
 * @param prefix of the settings that are about the other side
 */
export function tlsRemedy(error: Pick<NodeJS.ErrnoException, 'code' | 'message'>, prefix: string): string {
  const setting = (name: string) => tlsSetting(prefix, name)
  switch (codeOf(error).replace(/^ERR_SSL_(?:TLSV1|TLSV13|SSLV3|SSL)_ALERT_/, 'ALERT_')) {
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
    case 'INVALID_CA':
      return `its certificate is signed by no authority that is known here: give the authority's in ${setting('caFile')}`
    case 'CERT_HAS_EXPIRED':
      return 'its certificate, or that of the authority, has expired: renew it there'
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet: look at the clocks of both machines'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate has another name: give that one in ${setting('serverName')}`
    case 'ALERT_CERTIFICATE_REQUIRED':
    case 'ALERT_HANDSHAKE_FAILURE':
      return `it asks for a client certificate: give one in ${setting('certFile')} and ${setting('keyFile')}`
    case 'ALERT_UNKNOWN_CA':
    case 'ALERT_BAD_CERTIFICATE':
    case 'ALERT_UNSUPPORTED_CERTIFICATE':
    case 'ALERT_CERTIFICATE_UNKNOWN':
    case 'ALERT_CERTIFICATE_REVOKED':
    case 'ALERT_DECRYPT_ERROR':
    case 'ALERT_ACCESS_DENIED':
      return `it does not take the certificate of ${setting('certFile')}: give one that its authority has signed for clients`
    case 'ALERT_CERTIFICATE_EXPIRED':
      return `the certificate of ${setting('certFile')} has expired: renew the file, it is read again`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS there: write http:// or another port'
    default:
      return ''
  }
}

/** What goes wrong while a handshake is written has the code of the write: OpenSSL's reason is in the message. */
function codeOf({ code = '', message }: Pick<NodeJS.ErrnoException, 'code' | 'message'>): string {
  if (code !== 'EPROTO') return code
  const [, reason = ''] = /:SSL routines:[^:]*:([^:]+):/.exec(message) ?? []
  return `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}
