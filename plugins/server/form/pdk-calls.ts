/** Headers of a request: a name that came twice has a list. From Kong's getHeaders every value is a list. */
export type HeaderMap = Readonly<Record<string, string | readonly string[]>>

/**
 * The part of Kong's PDK that function handlers use. Every call is a round trip of 40 to 50 us in Kong. The names are
 * those of kong-pdk, so that its own PDK object fits too.
 */
export interface PdkCalls {
  readonly request: {
    getHeaders(max?: number): Promise<HeaderMap>
    getHeader(name: string): Promise<string | null | undefined>
    getMethod(): Promise<string>
    getPath(): Promise<string>
  }
  readonly service: {
    readonly request: {
      setHeaders(headers: HeaderMap): Promise<void>
      setHeader(name: string, value: string): Promise<void>
      clearHeader(name: string): Promise<void>
    }
  }
  readonly response: {
    /** Ends the request with this answer; no call can follow. */
    exit(status: number, body?: string, headers?: HeaderMap): Promise<void>
    setHeader(name: string, value: string): Promise<void>
    getStatus(): Promise<number>
  }
  readonly log: {
    /** Kong's record of the request, as JSON text. */
    serialize(): Promise<string>
    err(...parts: readonly unknown[]): Promise<void>
    warn(...parts: readonly unknown[]): Promise<void>
  }
  readonly ctx: {
    readonly shared: {
      get(key: string): Promise<unknown>
      set(key: string, value: unknown): Promise<void>
    }
  }
}

/** Goes on with a call's result as a handler does: answers something, a promise, or what `ask` gave it. */
export type Next = (result: unknown) => unknown

/** Carries one PDK call to Kong and its result back. */
export interface PdkChannel {
  call(method: string, args: readonly unknown[]): Promise<unknown>
  /** See PdkCalls. */
  ask(method: string, args: readonly unknown[], next: Next): unknown
  /** See PdkCalls. */
  allow?(ms: number): void
}

/**
 * {@link PdkCalls} over a channel. kong-pdk makes a Proxy for every step of `kong.service.request.setHeaders`; these are
 * plain objects, made when they are asked for.
 */
export class ChannelPdk implements PdkCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  /**
   * A call without a promise, which is a tenth of what an event costs. Its result goes to `next`; what it answers is
   * for the handler, or for the `next` that calls it, to answer. In Kong's own server there is no such thing: look
   * whether it is this class.
   */
  ask(method: string, args: readonly unknown[], next: Next): unknown {
    return this.#channel.ask(method, args, next)
  }

  /** From now on the handler may keep Kong waiting so much longer, in ms. No call to Kong; as with `ask`, look first. */
  allow(ms: number): void {
    this.#channel.allow?.(ms)
  }

  get request(): PdkCalls['request'] {
    return new RequestCalls(this.#channel)
  }

  get service(): PdkCalls['service'] {
    return { request: new ServiceRequestCalls(this.#channel) }
  }

  get response(): PdkCalls['response'] {
    return new ResponseCalls(this.#channel)
  }

  get log(): PdkCalls['log'] {
    return new LogCalls(this.#channel)
  }

  get ctx(): PdkCalls['ctx'] {
    return { shared: new SharedCalls(this.#channel) }
  }
}

const NO_ARGS: readonly unknown[] = []

class RequestCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  getHeaders(max?: number): Promise<HeaderMap> {
    return this.#channel.call(
      'kong.request.get_headers',
      max === undefined ? NO_ARGS : [max],
    ) as Promise<HeaderMap>
  }

  getHeader(name: string): Promise<string | null | undefined> {
    return this.#channel.call('kong.request.get_header', [name]) as Promise<string | null | undefined>
  }

  getMethod(): Promise<string> {
    return this.#channel.call('kong.request.get_method', NO_ARGS) as Promise<string>
  }

  getPath(): Promise<string> {
    return this.#channel.call('kong.request.get_path', NO_ARGS) as Promise<string>
  }
}

class ServiceRequestCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  setHeaders(headers: HeaderMap): Promise<void> {
    return this.#channel.call('kong.service.request.set_headers', [headers]) as Promise<void>
  }

  setHeader(name: string, value: string): Promise<void> {
    return this.#channel.call('kong.service.request.set_header', [name, value]) as Promise<void>
  }

  clearHeader(name: string): Promise<void> {
    return this.#channel.call('kong.service.request.clear_header', [name]) as Promise<void>
  }
}

class ResponseCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  exit(...args: readonly unknown[]): Promise<void> {
    return this.#channel.call('kong.response.exit', args) as Promise<void>
  }

  setHeader(name: string, value: string): Promise<void> {
    return this.#channel.call('kong.response.set_header', [name, value]) as Promise<void>
  }

  getStatus(): Promise<number> {
    return this.#channel.call('kong.response.get_status', NO_ARGS) as Promise<number>
  }
}

class LogCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  serialize(): Promise<string> {
    return this.#channel.call('kong.log.serialize', NO_ARGS) as Promise<string>
  }

  err(...parts: readonly unknown[]): Promise<void> {
    return this.#channel.call('kong.log.err', parts) as Promise<void>
  }

  warn(...parts: readonly unknown[]): Promise<void> {
    return this.#channel.call('kong.log.warn', parts) as Promise<void>
  }
}

class SharedCalls {
  readonly #channel: PdkChannel

  constructor(channel: PdkChannel) {
    this.#channel = channel
  }

  get(key: string): Promise<unknown> {
    return this.#channel.call('kong.ctx.shared.get', [key]) as Promise<unknown>
  }

  set(key: string, value: unknown): Promise<void> {
    return this.#channel.call('kong.ctx.shared.set', [key, value]) as Promise<void>
  }
}
