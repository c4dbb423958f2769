/**
 * Formats before 3.0 had no `~` before regular expressions in paths: what is no plain path gets one.
 * Source: kong/db/declarative/migrations/route_path.lua of Kong 3.9.1.
 */

import { type ObjectValue, own, type Value } from '../table.ts'
import { normalizePath } from '../uri-path.ts'

/** Changes `config` in place, as far as it is a configuration at all. */
export function migrateRegexPaths(config: ObjectValue): void {
  const version = own(config, '_format_version')
  if (version !== '1.1' && version !== '2.1') return
  migrateRoutes(own(config, 'routes'))
  const services = own(config, 'services')
  if (Array.isArray(services)) for (const service of services) migrateRoutes(own(service, 'routes'))
  config['_format_version'] = '3.0'
}

const PLAIN_PATH = /^[a-zA-Z0-9.\-_~/%]*$/

function migrateRoutes(routes: Value | undefined): void {
  if (!Array.isArray(routes)) return
  for (const route of routes) {
    const paths = own(route, 'paths')
    if (!Array.isArray(paths)) continue
    for (const [index, path] of paths.entries()) {
      if (typeof path === 'string') paths[index] = PLAIN_PATH.test(path) ? normalizePath(path) : `~${path}`
    }
  }
}
