import type { InstanceRecord } from '../rpc/instance-table.ts'

/** What the supervisor says to a worker. A connection comes with its handle. */
export type ToWorker =
  | { readonly type: 'restore'; readonly records: readonly InstanceRecord[]; readonly nextId: number }
  | { readonly type: 'started'; readonly record: InstanceRecord }
  | { readonly type: 'closed'; readonly id: number }
  /** Give out instance ids from `nextId` on: you are the working process now. */
  | { readonly type: 'work'; readonly nextId: number }
  /** `sinceMs`: when it came in, epoch ms; what Kong sent on it may have waited for as long. */
  | {
      readonly type: 'connection'
      readonly number: number
      readonly plugin: string
      readonly sinceMs: number
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
  /** The connection is served; the supervisor may let go of it. */
  | { readonly type: 'taken'; readonly number: number }
  | { readonly type: 'metrics'; readonly number: number; readonly text: string }
