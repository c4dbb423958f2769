import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { explainTls } from '../../../operator/secrets/tls-agent.ts'
import { tlsRemedy, tlsSetting } from '../../../operator/secrets/tls-remedy.ts'

test('settings of a connection are named after it', () => {
  equal(tlsSetting('kong', 'caFile'), 'kong.caFile')
  equal(tlsSetting('traces.export', 'serverName'), 'traces.exportServerName')
})

const cases: [code: string, says: RegExp][] = [
  ['SELF_SIGNED_CERT_IN_CHAIN', /kong\.caFile/],
  ['CERT_HAS_EXPIRED', /expired: renew it there/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /kong\.serverName/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /kong\.certFile and kong\.keyFile/],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /kong\.certFile and kong\.keyFile/],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not take the certificate of kong\.certFile/],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', /kong\.certFile has expired/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
]
for (const [code, says] of cases)
  test(`${code} has a remedy`, () => match(tlsRemedy({ code, message: '' }, 'kong'), says))

test('what is no error of TLS has none, and keeps its words', () => {
  const error = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  explainTls(error, 'kong')
  equal(error.message, 'refused')
})

test('a handshake that fails while it is written is known by the words of OpenSSL', () => {
  const message =
    'write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../a.c:350:\n'
  match(tlsRemedy({ code: 'EPROTO', message }, 'kong'), /does not speak TLS/)
})

test('it is said once', () => {
  const error = Object.assign(new Error('expired'), { code: 'CERT_HAS_EXPIRED' })
  explainTls(error, 'kong')
  const { message } = error
  explainTls(error, 'kong')
  equal(error.message, message)
})
