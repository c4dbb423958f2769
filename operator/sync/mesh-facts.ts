import { faultState } from '../core/faults.ts'
import { credentialId } from '../core/intentions/caller-entities.ts'
import type { ViewedService } from '../core/mesh-view.ts'
import { entityId, targetId, upstreamName } from '../core/names.ts'
import type { Settings } from '../core/settings.ts'
import { BUILT_IN } from '../core/settings-defaults.ts'
import type { Decision } from './decision.ts'
import type { KongMirror } from './kong-mirror.ts'

export interface MeshFactsOptions {
  readonly mesh: string
  readonly decision: Decision
  readonly mirror: KongMirror
}

/** What others ask about the services of the mesh: from what was decided last, and from what Kong holds. */
export class MeshFacts {
  readonly #mesh: string
  readonly #decision: Decision
  readonly #mirror: KongMirror

  constructor({ mesh, decision, mirror }: MeshFactsOptions) {
    this.#mesh = mesh
    this.#decision = decision
    this.#mirror = mirror
  }

  /** How long the old keys of a service's identity are valid after a rotation, in ms. */
  graceMs(service: string): number {
    return this.#decision.isPossible
      ? this.#decision.settingsOf(service).settings.intentions.graceSeconds * 1000
      : BUILT_IN.intentions.graceSeconds * 1000
  }

  /** Does Kong know this key of a calling service? */
  holdsKey(service: string, kid: string): boolean {
    const mesh = this.#mesh
    const kinds = ['jwt_secret', 'keyauth_credential'] as const
    return kinds.some((kind) => this.#mirror.has(`${kind}/${credentialId(mesh, kind, service, kid)}`))
  }

  /** Each service that has something in Kong, with what its plugins go by. */
  viewed(nowMs: number): readonly ViewedService[] {
    return this.#decision.desired.services.map(({ service, instances }) => {
      const { circuitBreaker, faults } = this.#decision.settingsOf(service).settings
      const entities = this.#decision.wantedBy(service)
      const state = faultState(faults, nowMs)
      const injected = state.kind === 'in_force' ? { faults: state.faults } : {}
      return { service, instances, entities, mode: circuitBreaker.mode, ...injected }
    })
  }

  /** How it is spoken to, whether it is there or not. */
  tlsOf(service: string): Settings['tls'] {
    return this.#decision.settings?.forService(service, []).settings.tls ?? BUILT_IN.tls
  }

  /** null for a service that is not there. */
  faultsOf(service: string): Settings['faults'] | null {
    return this.#decision.knows(service) ? this.#decision.settingsOf(service).settings.faults : null
  }

  /** Which service would have a route of this name if Kong had not the one with this id? null for none. */
  ownerWithoutRoute(name: string, id: string): string | null {
    const state = this.#decision.desiredWith({ goneRoute: id })?.state ?? new Map()
    for (const entity of state.values()) {
      if (entity.kind === 'route' && entity.name === name) return entity.owner
    }
    return null
  }

  /** Is `host:port` a target of the service? */
  hasTarget(service: string, target: string): boolean {
    return this.#decision.wanted.has(`target/${targetId(this.#mesh, upstreamName(service), target)}`)
  }

  /** Id of an upstream that Kong holds for this mesh; null for none. */
  sampleUpstream(): string | null {
    for (const { kind, id } of this.#decision.wanted.values()) {
      if (kind === 'upstream' && this.#mirror.get(`upstream/${id}`) !== undefined) return id
    }
    return null
  }

  /** How long after its deadline an ejection is still left to the process that made it, in ms. */
  ejectionGraceMs(service: string): number {
    return this.#decision.ejectionGraceMs(service)
  }

  /** '' for an upstream that is not ours. */
  serviceOfUpstream(name: string): string {
    return this.#decision.wanted.get(`upstream/${entityId(this.#mesh, 'upstream', name)}`)?.owner ?? ''
  }
}
