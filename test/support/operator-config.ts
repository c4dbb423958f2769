import type { OperatorConfig } from '../../operator/sync/operator-config.ts'

/** An operator as tests start it in their own process: every service is exposed. @param adminUrl one, or several with commas */
export function operatorConfig({
  consulUrl,
  adminUrl,
  proxyUrl,
  apiPort = 0,
}: {
  readonly consulUrl: string
  readonly adminUrl: string
  readonly proxyUrl: string
  /** 0: any that is free. */
  readonly apiPort?: number | undefined
}): OperatorConfig {
  return {
    consul: { url: consulUrl },
    kong: { adminUrl, timeoutMs: 5000, parallel: 8 },
    proxyUrl,
    api: { host: '127.0.0.1', port: apiPort },
    mesh: 'default',
    hostSuffix: 'mesh',
    expose: 'all',
    resync: { cron: '*/5 * * * *' },
    overrides: { policy: 'keep' },
    operator: { id: undefined, advertise: undefined },
    dryRun: false,
  }
}
