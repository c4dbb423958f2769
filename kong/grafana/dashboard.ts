// A dashboard of panels in rows, as Grafana reads it from a file.
import type { Link, Panel } from './panels.ts'

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(...)`. */
  readonly query: string
  readonly includesAll: boolean
}

export interface Row {
  readonly title: string
  /** Width in 24 columns, height in rows of Grafana's grid. */
  readonly panels: readonly (readonly [width: number, height: number, panel: Panel])[]
}

export interface Dashboard {
  /** Stays the same for ever: links and bookmarks have it. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
  readonly links?: readonly Link[]
}

const COLUMNS = 24

/** The text of the file. */
export function dashboardJson(dashboard: Dashboard): string {
  const { uid, title, description, variables, links = [] } = dashboard
  const json = {
    annotations: { list: [ALERTS_SHOWN] },
    description,
    editable: true,
    fiscalYearStartMonth: 0,
    graphTooltip: 1,
    id: null,
    links: [
      {
        asDropdown: true,
        icon: 'external link',
        includeVars: true,
        keepTime: true,
        tags: ['kongsul'],
        targetBlank: false,
        title: 'Mesh',
        type: 'dashboards',
      },
      ...links.map((link) => ({ ...link, icon: 'external link', targetBlank: true, type: 'link' })),
    ],
    panels: placed(dashboard.rows),
    refresh: '10s',
    schemaVersion: 39,
    tags: ['kongsul'],
    templating: { list: [DATASOURCE, ...variables.map(variable)] },
    time: { from: 'now-1h', to: 'now' },
    timepicker: {},
    timezone: '',
    title,
    uid,
    version: 1,
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

function placed(rows: Dashboard['rows']): Panel[] {
  const panels: Panel[] = []
  let y = 0
  for (const { title, panels: own } of rows) {
    panels.push({
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      id: panels.length + 1,
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
    })
    y++
    let [x, highest] = [0, 0]
    for (const [w, h, panel] of own) {
      if (x + w > COLUMNS) {
        y += highest
        x = 0
        highest = 0
      }
      panels.push({ ...panel, id: panels.length + 1, gridPos: { h, w, x, y } })
      x += w
      highest = Math.max(highest, h)
    }
    y += highest
  }
  return panels
}

const DATASOURCE = {
  current: {},
  hide: 0,
  includeAll: false,
  label: 'Prometheus',
  multi: false,
  name: 'datasource',
  options: [],
  query: 'prometheus',
  refresh: 1,
  regex: '',
  skipUrlSync: false,
  type: 'datasource',
}

const variable = ({ name, label, query, includesAll }: Variable) => ({
  allValue: includesAll ? '.*' : null,
  current: {},
  datasource: { type: 'prometheus', uid: '$datasource' },
  definition: query,
  hide: 0,
  includeAll: includesAll,
  label,
  multi: includesAll,
  name,
  options: [],
  query: { query, refId: `variable-${name}` },
  refresh: 2,
  regex: '',
  skipUrlSync: false,
  sort: 1,
  type: 'query',
})

const ALERTS_SHOWN = {
  datasource: { type: 'prometheus', uid: '$datasource' },
  enable: true,
  expr: 'ALERTS{alertname=~"Mesh.*",alertstate="firing"}',
  hide: false,
  iconColor: 'red',
  name: 'Alerts',
  step: '30s',
  tagKeys: 'severity,service',
  titleFormat: '{{alertname}}',
}
