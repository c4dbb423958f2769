import type { Health, InstanceCircuit } from './instance-circuit.ts'

/** An instance that is not listed any more. */
export interface Departed {
  readonly circuit: InstanceCircuit
  readonly atMs: number
}

export interface Membership {
  readonly members: ReadonlyMap<string, InstanceCircuit>
  readonly departed: ReadonlyMap<string, Departed>
}

/** How long a verdict outlives its instance: so long Kong keeps its mark on a deleted target. */
const GRACE_MS = 300_000

/** Who is a member when `listed` are: one that comes back in time is the one it was. `forgotten` do not come back. */
export function relisted(
  nowMs: number,
  before: Membership,
  listed: ReadonlyMap<string, Health>,
  create: (key: string, health: Health) => InstanceCircuit,
): Membership & { readonly forgotten: readonly InstanceCircuit[] } {
  const departed = new Map<string, Departed>()
  const members = new Map<string, InstanceCircuit>()
  const forgotten: InstanceCircuit[] = []
  for (const [key, each] of before.departed) {
    if (nowMs - each.atMs <= GRACE_MS) departed.set(key, each)
    else forgotten.push(each.circuit)
  }
  for (const [key, circuit] of before.members) {
    if (!listed.has(key)) departed.set(key, { circuit, atMs: nowMs })
  }
  for (const [key, health] of listed) {
    const member = before.members.get(key) ?? departed.get(key)?.circuit ?? create(key, health)
    member.health = health
    departed.delete(key)
    members.set(key, member)
  }
  return { members, departed, forgotten }
}
