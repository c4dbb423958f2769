// Every dashboard, by the name of its file. `npm run generate` writes them; a test says when they are not current.
import { dashboardJson } from './dashboard.ts'
import { INSTANCES_CIRCUITS } from './instances-circuits.ts'
import { MESH_OVERVIEW } from './mesh-overview.ts'
import { OPERATOR } from './operator.ts'
import { SERVICE } from './service.ts'
import { TRACES } from './traces.ts'

export const DASHBOARDS: ReadonlyMap<string, string> = new Map(
  [MESH_OVERVIEW, SERVICE, INSTANCES_CIRCUITS, OPERATOR, TRACES].map((dashboard) => [
    `${dashboard.uid}.json`,
    dashboardJson(dashboard),
  ]),
)
