import type { InstanceRecord } from '../rpc/instance-table.ts'

/** What the supervisor says to a worker. */
export type ToWorker =
  | { readonly type: 'restore'; readonly records: readonly InstanceRecord[]; readonly nextId: number }
  | { readonly type: 'started'; readonly record: InstanceRecord }
  | { readonly type: 'closed'; readonly id: number }
  /**
   * You are the working process now: listen on the sockets, read the access log from `feedFd`, give out instance ids
   * from `nextId` on. Nobody may have accepted connections for `quietMs`.
   */
  | {
      readonly type: 'work'
      readonly nextId: number
      readonly quietMs: number
      readonly sockets: readonly { readonly plugin: string; readonly fd: number }[]
      readonly feedFd: number
    }
  | { readonly type: 'metrics'; readonly number: number }
  /** Finish what is under way and go. */
  | { readonly type: 'stop' }

/** What a worker says to the supervisor. */
export type ToSupervisor =
  | { readonly type: 'ready' }
  | { readonly type: 'beat' }
  | { readonly type: 'started'; readonly record: InstanceRecord }
  | { readonly type: 'closed'; readonly id: number }
  /** Connections are accepted. */
  | { readonly type: 'listening' }
  | { readonly type: 'metrics'; readonly number: number; readonly text: string }
