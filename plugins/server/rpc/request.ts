/** Methods that are counted by name; everything else is `other`. */
export const METHODS = [
  'HandleEvent',
  'Step',
  'StepMultiMap',
  'StepError',
  'StepService',
  'StepConsumer',
  'StepRoute',
  'StepPlugin',
  'StepCredential',
  'StepMemoryStats',
  'StartInstance',
  'CloseInstance',
  'InstanceStatus',
  'GetStatus',
  'GetPluginInfo',
  'GetPluginNames',
  'other',
] as const
export type Method = (typeof METHODS)[number]

/** Where replies go: one connection. */
export interface ReplyTarget {
  /** Name of the plugin whose socket it came in by. */
  readonly plugin: string
  /** Answers `request` after `ms`. */
  reply(request: RpcRequest, bytes: Uint8Array, ms: number): void
}

/** A message that waits for its answer. */
export interface RpcRequest {
  readonly target: ReplyTarget
  readonly messageId: unknown
  readonly method: Method
  /** When it came, in ms of the host's clock. */
  readonly now: number
}
