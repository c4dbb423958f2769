// What a fault is: an entry says what is done, what may fail of it and what others had; run-fault.ts does the rest.

import type { Asked, Chaos } from '../support/chaos-proxy.ts'
import type { Mesh } from '../support/mesh.ts'
import type { ProcessMeshOptions } from '../support/process-mesh.ts'
import type { Shot } from '../support/traffic.ts'
import type { Stage } from './stage.ts'

export interface Fault<Resource = unknown> {
  /** As on the command line. */
  readonly name: string
  /** What is done, as the table has it. */
  readonly what: string
  /** What the others had with the same fault, from the same measurement; '' where nobody measured it. */
  readonly peers?: string
  /** Why a bound of it is not kept, where it is not. */
  readonly because?: string
  /** Why it cannot be run here; null when it can. */
  readonly whyNot?: () => string | null
  /** Things that are needed before the mesh is; `after` is for what takes them away again. */
  readonly setUp?: (after: (cleanUp: () => unknown) => void) => Promise<Prepared<Resource>>
  /** In KV mesh/services/<service>. */
  readonly settings?: object
  /** How long clients wait for an answer, ms. Default 10 000. */
  readonly timeoutMs?: number
  /** Requests. Default 200. */
  readonly perSecond?: number
  /** How long the fault stays before it is healed, ms; what `inject` takes counts. */
  readonly lastsMs: number
  /** What has to be there before requests flow. */
  readonly arrange?: (stage: Stage<Resource>) => unknown
  readonly inject: (stage: Stage<Resource>) => unknown
  /** Whether kongsul knows of the fault by now. */
  readonly isNoticed?: (stage: Stage<Resource>) => boolean | Promise<boolean>
  readonly heal?: (stage: Stage<Resource>) => unknown
  /** More that has to hold in the end, as sentences about what does not. */
  readonly verify?: (
    stage: Stage<Resource>,
    shots: readonly Shot[],
  ) => readonly string[] | Promise<readonly string[]>
  readonly bounds: Bounds
}

/** What the run of a fault must not exceed. */
export interface Bounds {
  /** Requests that fail, from the fault to the end. Default 0. */
  readonly failed?: number
  /** From the fault until the last request that failed was sent, ms. */
  readonly failingMs?: number
  /** The same from the moment the fault was healed. */
  readonly failingAfterHealMs?: number
  /** The slowest request that was answered, ms. */
  readonly slowestMs?: number
  readonly noticedMs?: number
  /** From the end of the fault until every instance serves and nothing fails, ms. */
  readonly wholeMs?: number
  /** From a new service being in Consul's catalog, after the fault, until it is served, ms. Default 1000. */
  readonly newServiceMs?: number
}

export interface Prepared<Resource> {
  readonly resource: Resource
  readonly mesh?: ProcessMeshOptions
  /** Which connections of the operator go through a proxy that can disturb them. */
  readonly between?: readonly ('consul' | 'admin')[]
  /** More variables of the operator, when the rest is known. */
  readonly operatorEnv?: (mesh: Mesh) => Promise<Readonly<Record<string, string>>>
  /** The traffic is https, checked by this. */
  readonly tls?: { readonly port: number; readonly ca: string; readonly servername: string }
}

export type ChaosOf = (asked: Asked) => Chaos

/** A row of the table. */
export interface Row {
  readonly name: string
  readonly what: string
  readonly peers: string
  readonly because: string
  /** When it was measured, ISO date. */
  readonly date: string
  /** e.g. `dev gateway`, `Kong 3.9.1`. */
  readonly gateway: string
  /** Why it was not run; null when it was, and then everything else is there. */
  readonly notRun: string | null
  readonly result: Result | null
}

/** Times in ms; null: not told apart in this fault. */
export interface Result {
  /** Requests from the fault to the end. */
  readonly sent: number
  readonly failed: number
  /** How they failed: how many with each status, or without one. */
  readonly failures: Readonly<Record<string, number>>
  readonly failingMs: number
  readonly slowestMs: number
  readonly noticedMs: number | null
  readonly wholeMs: number
  readonly newServiceMs: number
  /** What did not hold; empty when the row is good. */
  readonly broken: readonly string[]
}

/** An entry whose parts know what was set up. */
export const fault = <Resource>(entry: Fault<Resource>): Fault<never> => entry as unknown as Fault<never>
