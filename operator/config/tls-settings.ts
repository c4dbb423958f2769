import { z } from 'zod'
import { tlsSetting } from '../secrets/tls-remedy.ts'
import type { Setting } from './setting.ts'

/** Names in the environment that others gave the same. */
export interface TlsEnvironment {
  readonly caFile?: readonly string[]
  readonly certFile?: readonly string[]
  readonly keyFile?: readonly string[]
  readonly serverName?: readonly string[]
  readonly verify?: readonly string[]
}

/**
 * How this process speaks TLS to somebody, the same five for everybody.
 * @param prefix e.g. `kong`, or `traces.export`
 * @param whose e.g. `the Admin API's`
 * @param whom e.g. `the Admin API`
 */
export function tlsSettings(
  prefix: string,
  whose: string,
  whom: string,
  environment: TlsEnvironment = {},
): readonly Setting[] {
  const file = (name: 'caFile' | 'certFile' | 'keyFile', help: string): Setting => ({
    path: tlsSetting(prefix, name),
    kind: 'text',
    schema: z.string().min(1, 'is empty'),
    environment: environment[name] ?? [],
    help,
    example: '/etc/kongsul/file.pem',
  })
  return [
    file('caFile', `CA certificate that signed ${whose} certificate (PEM)`),
    file('certFile', `client certificate shown to ${whom} (PEM)`),
    file('keyFile', 'key of that certificate (PEM)'),
    {
      path: tlsSetting(prefix, 'serverName'),
      kind: 'text',
      schema: z
        .string()
        .regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, 'is not the name of a host'),
      environment: environment.serverName ?? [],
      help: `name that ${whose} certificate has; that of the address when not given`,
      example: 'server.dc1.consul',
    },
    {
      path: tlsSetting(prefix, 'verify'),
      kind: 'boolean',
      schema: z.boolean('is neither true nor false'),
      environment: environment.verify ?? [],
      fallback: true,
      help: `check ${whose} certificate`,
      example: 'true',
    },
  ]
}
