/** The certificates of a mesh beside what its services want; the same answer while nothing of it changes. */

import type { Desired } from '../desired-answer.ts'
import { type Entity, type HeldState, keyOf } from '../entity.ts'
import { patchedMap } from '../patched-map.ts'
import type { Problem } from '../problem.ts'
import {
  CERTIFICATES_OWNER,
  type Certificates,
  certificateEntities,
  ownCertificates,
} from './certificate-entities.ts'

export interface JoinedCertificates {
  readonly certificates: Certificates | undefined
  readonly entities: readonly Entity[]
  readonly problems: readonly Problem[]
  /** What services want alone, and what it is together with these. */
  readonly alone: Pick<Desired, 'state' | 'groups'> | null
  readonly together: Pick<Desired, 'state' | 'groups'>
}

export const NO_CERTIFICATES: JoinedCertificates = {
  certificates: { ready: [], kept: [] },
  entities: [],
  problems: [],
  alone: null,
  together: { state: new Map(), groups: new Map() },
}

/** @param certificates undefined: nobody knows, what Kong has of ours stays */
export function joinCertificates(
  answer: Desired,
  mesh: string,
  certificates: Certificates | undefined,
  actual: HeldState,
  before: JoinedCertificates,
): { readonly answer: Desired; readonly memory: JoinedCertificates } {
  const decided = decide(mesh, certificates, actual, before)
  const { entities, problems } = decided
  if (entities.length === 0 && problems.length === 0) {
    return { answer, memory: { ...decided, certificates, alone: null, together: answer } }
  }
  const { alone, together } = before
  const isSame = before.entities === entities
  const state =
    isSame && alone?.state === answer.state
      ? together.state
      : patchedMap(
          answer.state,
          [],
          entities.map((each) => [keyOf(each), each]),
        )
  const groups =
    isSame && alone?.groups === answer.groups
      ? together.groups
      : new Map(answer.groups).set(CERTIFICATES_OWNER, entities)
  return {
    answer: { ...answer, state, groups, problems: [...answer.problems, ...problems] },
    memory: { certificates, entities, problems, alone: answer, together: { state, groups } },
  }
}

function decide(
  mesh: string,
  certificates: Certificates | undefined,
  actual: HeldState,
  before: JoinedCertificates,
): Pick<JoinedCertificates, 'entities' | 'problems'> {
  // Those that are kept are as Kong has them, which changes without anybody saying so.
  const isSettled =
    certificates !== undefined && certificates.kept.length + (certificates.keptAuthorities?.length ?? 0) === 0
  if (isSettled && before.certificates === certificates) return before
  const next =
    certificates === undefined
      ? { entities: ownCertificates(mesh, actual), problems: [] }
      : certificateEntities(mesh, certificates, actual)
  const isSame =
    next.entities.length === before.entities.length &&
    next.entities.every((each, index) => each === before.entities[index])
  return isSame ? { ...next, entities: before.entities } : next
}
