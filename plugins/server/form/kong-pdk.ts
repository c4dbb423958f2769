import { createRequire } from 'node:module'
import type { EventRun } from '../rpc/event-run.ts'

/** What kong-pdk's PDK wants of its pipe. */
interface Pipe {
  put(call: { readonly Method: string; readonly Args: readonly unknown[] }): void
  get(): Promise<readonly [unknown, unknown]>
}

type KongPdk = new (pipe: Pipe) => { readonly kong: unknown }

let loaded: KongPdk | undefined

/**
 * kong-pdk's own PDK object over an event, for plugins written as classes: every method there is, also those we do not
 * know. Only this file of kong-pdk is loaded; its server brings ts-node and a TypeScript compiler into the process.
 */
export function kongPdkFor(run: EventRun): unknown {
  loaded ??= createRequire(import.meta.url)('kong-pdk/pdk.js') as KongPdk
  const results: Promise<readonly [unknown, unknown]>[] = []
  const pipe: Pipe = {
    put({ Method, Args }) {
      const result = run.call(Method, Args).then(
        (value) => [value, undefined] as const,
        (error: Error) => [undefined, error.message] as const,
      )
      results.push(result)
    },
    get: () => results.shift()!,
  }
  return new loaded(pipe).kong
}
