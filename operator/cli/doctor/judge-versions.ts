import type { CatalogSnapshot } from '../../core/catalog.ts'
import { OPERATOR_SERVICE } from '../../core/exposure.ts'
import { type Finding, ok, warning } from './finding.ts'

const MEND =
  'bring all to one version: operators that stand by first, the one that leads last, then kongsul plugins beside each ' +
  'Kong; until then the older version decides what is known of the other'

/**
 * Operators of a mesh, as they are registered in Consul, beside this command. Pure.
 * @param own version of this command
 */
export function judgeOperatorVersions(
  { services }: CatalogSnapshot,
  mesh: string,
  own: string,
): readonly Finding[] {
  const operators = (services.get(OPERATOR_SERVICE) ?? [])
    .filter(({ meta }) => meta['mesh'] === mesh)
    .map(({ id, meta }) => ({
      name: id.slice(`${OPERATOR_SERVICE}-${mesh}-`.length),
      version: meta['version'],
    }))
  return judge('operator', operators, own)
}

/** Plugin processes, as they tell the operator of themselves, beside this command. Pure. */
export function judgePluginVersions(
  processes: readonly { readonly node: string; readonly version?: string | null }[],
  own: string,
): readonly Finding[] {
  // An operator that is older than this does not tell.
  const told = processes.filter(({ version }) => version !== undefined)
  return judge(
    'plugins',
    told.map(({ node, version }) => ({ name: node, version })),
    own,
  )
}

function judge(
  area: 'operator' | 'plugins',
  found: readonly { readonly name: string; readonly version?: string | null | undefined }[],
  own: string,
): readonly Finding[] {
  if (found.length === 0) return []
  const shown = found.map(({ name, version }) => `${name} ${version ?? 'of an older version'}`).join(', ')
  if (found.every(({ version }) => version === own)) return [ok(area, `all of version ${own}: ${shown}`)]
  return [warning(area, `mixed versions: ${shown}; this command is ${own}`, MEND)]
}
