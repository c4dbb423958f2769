import { equal } from 'node:assert/strict'
import type { KongUnderTest } from './kong-under-test.ts'

/** An entity as a recording has it. */
export type Recorded = Readonly<Record<string, unknown>> & {
  readonly name?: string
  readonly username?: string
}

/** The configuration that a recording of a real Kong was made with. */
export interface RecordedConfig {
  readonly consumers: readonly (Recorded & {
    readonly keyauth_credentials?: readonly Recorded[]
    readonly jwt_secrets?: readonly Recorded[]
    readonly acls: readonly Recorded[]
  })[]
  readonly services: readonly (Recorded & {
    readonly routes: readonly Recorded[]
    readonly plugins?: readonly Recorded[]
  })[]
}

/** Gives a Kong that configuration, with `upstreamPort` of this machine behind every service. */
export async function configureAsRecorded(
  kong: KongUnderTest,
  { consumers, services }: RecordedConfig,
  upstreamPort: number,
): Promise<void> {
  const must = async (method: string, path: string, body: unknown) => {
    const { status, body: answer } = await kong.admin(method, path, body)
    equal(status < 300, true, `${method} ${path} answered ${status}: ${JSON.stringify(answer)}`)
  }
  for (const { username, keyauth_credentials: keys = [], jwt_secrets: secrets = [], acls } of consumers) {
    await must('PUT', `/consumers/${username}`, { username })
    for (const key of keys) await must('POST', `/consumers/${username}/key-auth`, key)
    for (const secret of secrets) await must('POST', `/consumers/${username}/jwt`, secret)
    for (const acl of acls) await must('POST', `/consumers/${username}/acls`, acl)
  }
  for (const { routes, plugins = [], url, ...service } of services) {
    await must('PUT', `/services/${service.name}`, { ...service, url: `http://127.0.0.1:${upstreamPort}` })
    for (const plugin of plugins) await must('POST', `/services/${service.name}/plugins`, plugin)
    for (const route of routes)
      await must('PUT', `/routes/${route.name}`, { ...route, service: { name: service.name } })
  }
}
