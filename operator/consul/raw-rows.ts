/** Consul's answers, as far as they are read. Nulls stand for empty lists and maps in all of them. */

export interface RawCheck {
  readonly Node: string
  readonly CheckID: string
  readonly Name: string
  readonly Status: string
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ModifyIndex: number
}

export interface RawNode {
  /** Of the agent, for as long as it keeps its data; '' for an external node. */
  readonly ID?: string
  readonly Node: string
  readonly Address: string
  readonly Meta?: Readonly<Record<string, string>> | null
  readonly ModifyIndex: number
}

export interface RawService {
  readonly ID: string
  readonly Service: string
  readonly Kind?: string
  readonly Address: string
  readonly Port: number
  readonly Tags: readonly string[] | null
  readonly Meta: Readonly<Record<string, string>> | null
  readonly Weights?: { readonly Passing: number; readonly Warning: number }
  readonly ModifyIndex: number
}

export interface RawServiceRow {
  readonly Node: { readonly Node: string; readonly Address: string }
  readonly Service: RawService
  readonly Checks: readonly RawCheck[] | null
}

export interface RawNodeServices {
  readonly Node: RawNode
  readonly Services: Readonly<Record<string, RawService>> | null
}

export interface RawNodeDump {
  readonly Node: string
  readonly Address: string
  /** Of the node and of everything on it. */
  readonly Checks: readonly RawCheck[] | null
  readonly Services: readonly RawService[] | null
}

export interface RawSummary {
  readonly Name: string
  readonly InstanceCount: number
}

/** /v1/agent/self; what is below DebugConfig is there where this version knows it. */
export interface RawSelf {
  readonly Config: { readonly Datacenter: string }
  readonly DebugConfig?: { readonly DefaultIntentionPolicy?: unknown }
}

/** /v1/agent/connect/ca/leaf */
export interface RawLeaf {
  readonly CertPEM: string
  readonly PrivateKeyPEM: string
}

export interface RawKey {
  readonly Key: string
  readonly Value: string | null
  readonly ModifyIndex: number
}
