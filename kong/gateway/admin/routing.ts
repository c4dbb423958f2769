/** Which endpoint a path belongs to: `/services/{service}/routes`; a fixed segment goes before a placeholder. */

import type { Answer } from './answer.ts'
import type { AdminRequest } from './request.ts'

export type Handler = (request: AdminRequest) => Answer | Promise<Answer>

export interface Endpoint {
  readonly path: string
  readonly methods: Readonly<Record<string, Handler>>
  /** Switched off by Kong: known methods answer 404, others 405. */
  readonly isOff?: boolean
  readonly takesYaml?: boolean
}

export interface Match {
  readonly endpoint: Endpoint
  readonly params: Readonly<Record<string, string>>
}

interface Node {
  endpoint?: Endpoint
  readonly fixed: Map<string, Node>
  placeholder?: { readonly name: string; readonly node: Node }
}

export class Routes {
  readonly #root: Node = { fixed: new Map() }
  readonly #paths: string[] = []

  /** An endpoint of the same path replaces the one before. */
  add(endpoint: Endpoint): void {
    let node = this.#root
    for (const segment of segmentsOf(endpoint.path)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1]
      if (name === undefined) {
        const next = node.fixed.get(segment) ?? { fixed: new Map() }
        node.fixed.set(segment, next)
        node = next
      } else {
        node.placeholder ??= { name, node: { fixed: new Map() } }
        node = node.placeholder.node
      }
    }
    if (!node.endpoint) this.#paths.push(endpoint.path)
    node.endpoint = endpoint
  }

  get paths(): readonly string[] {
    return [...this.#paths].sort((a, b) => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1))
  }

  match(path: string): Match | undefined {
    const captured: string[] = []
    const segments = segmentsOf(path)
    const node = find(this.#root, segments, 0, captured)
    if (!node?.endpoint) return undefined
    const names = segmentsOf(node.endpoint.path).filter((segment) => segment.startsWith('{'))
    const params = Object.fromEntries(
      names.map((name, index) => [name.slice(1, -1), captured[index] as string]),
    )
    return { endpoint: node.endpoint, params }
  }
}

/** One slash at the end makes no difference. */
const segmentsOf = (path: string): string[] =>
  path === '/' ? [] : path.replace(/\/$/, '').split('/').slice(1)

function find(node: Node, segments: readonly string[], at: number, captured: string[]): Node | undefined {
  if (at === segments.length) return node.endpoint ? node : undefined
  const segment = segments[at] as string
  const fixed = node.fixed.get(segment)
  const found = fixed && find(fixed, segments, at + 1, captured)
  if (found) return found
  if (!node.placeholder || segment === '') return undefined
  captured.push(segment)
  const below = find(node.placeholder.node, segments, at + 1, captured)
  if (!below) captured.pop()
  return below
}
