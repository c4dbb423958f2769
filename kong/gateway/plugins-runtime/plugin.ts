/**
 * What a plugin is to the data plane. Handlers get the request's context and their own configuration; an access
 * handler that returns an exit ends the request with it. Handlers may be asynchronous (external plugins are), and a
 * request that meets only synchronous ones never waits.
 */

import type { ResponseHead } from '../proxy/parse-response-head.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import type { Row, Store } from '../store.ts'

export interface Plugin<Config = never> {
  readonly name: string
  /** Higher runs first; Kong's own numbers. */
  readonly priority: number
  access?(context: RequestContext, plugin: Configured<Config>, tools: PluginTools): AccessResult
  /** Before the headers go to the client; `upstream` is null for answers of the gateway itself. */
  respond?(context: RequestContext, plugin: Configured<Config>, upstream: ResponseHead | null): void
  /** After the response; whatever it returns is not waited for. */
  log?(context: RequestContext, plugin: Configured<Config>, tools: PluginTools): void
}

export interface Configured<Config> {
  /** Id of the plugin entity: counters and caches are kept by it. */
  readonly id: string
  readonly config: Config
  /** Which version of the configurations this is: another one whenever any plugin changed, as Kong's `__seq__`. */
  readonly seq: number
  /** The plugin entity. */
  readonly row: Row
}

export interface PluginTools {
  readonly store: Store
  now(): number
}

export type AccessResult = Exit | undefined | Promise<Exit | undefined>

export interface Exit {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /**
   * A refusal is a message in the error page the client accepts; JSON is sent as it is; text needs a Content-Type
   * among the headers; null sends no body.
   */
  readonly body: { readonly refusal: string } | { readonly json: unknown } | { readonly text: string } | null
}

/** `kong.response.error`: the message in JSON, HTML, XML or text, as the client accepts. */
export function refuse(status: number, message: string, headers: Exit['headers'] = {}): Exit {
  return { status, headers, body: { refusal: message } }
}

/** Values for a header sent to the upstream; null removes it. */
export function setUpstreamHeader(context: RequestContext, name: string, value: string | null): void {
  context.upstreamHeaders.set(name.toLowerCase(), value === null ? null : { name, values: [value] })
}

/** Values for a header sent to the client; null removes it. */
export function setResponseHeader(context: RequestContext, name: string, value: string | null): void {
  context.responseHeaders.set(name.toLowerCase(), value === null ? null : { name, values: [value] })
}
