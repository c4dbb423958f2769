import { type Plugin, refuse, setUpstreamHeader } from './plugin.ts'

interface AclConfig {
  readonly allow: readonly string[] | null
  readonly deny: readonly string[] | null
  readonly hide_groups_header: boolean
}

/** Lets consumers in, or keeps them out, by their groups. Needs an authentication plugin in front. */
export const acl: Plugin<AclConfig> = {
  name: 'acl',
  priority: 950,
  access(context, { config }, { store }) {
    if (!context.consumer) {
      return context.credentialId === null ? refuse(401, 'Unauthorized') : refuse(403, FORBIDDEN)
    }
    const groups = [...store.children('acls', 'consumer', context.consumer.id)].map(
      (row) => row.group as string,
    )
    const denies = (config.deny?.length ?? 0) > 0
    if (groups.length === 0 && !denies) {
      return context.credentialId === null ? refuse(401, 'Unauthorized') : refuse(403, FORBIDDEN)
    }
    const isListed = groups.some((group) => (denies ? config.deny! : (config.allow ?? [])).includes(group))
    if (denies === isListed) return refuse(403, FORBIDDEN)
    if (!config.hide_groups_header) setUpstreamHeader(context, 'X-Consumer-Groups', groups.join(', '))
    return undefined
  },
}

const FORBIDDEN = 'You cannot consume this service'
