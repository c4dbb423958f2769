/** Which instances Consul's filters let through. */
export interface SubsetMembers {
  /** Keys of instances (see `memberKey`); undefined: Consul has not said. The same set while nothing changes. */
  of(service: string, filter: string): ReadonlySet<string> | undefined
}

export const memberKey = ({ node, id }: { readonly node: string; readonly id: string }): string =>
  `${node}\u0000${id}`
