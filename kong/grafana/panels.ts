// Building blocks of the dashboards in kong/grafana/dashboards/, which are generated: `npm run generate`. Classic JSON of
// Grafana, without `__inputs`: a dashboard that is provisioned from a file has nobody to answer them.

export type Unit =
  | 'reqps'
  | 's'
  | 'percentunit'
  | 'short'
  | 'none'
  | 'bytes'
  | 'bool'
  | 'dateTimeAsIso'
  | 'ops'

export interface Query {
  readonly expr: string
  readonly legend: string
}

export interface Step {
  /** null: from the bottom. */
  readonly from: number | null
  readonly colour: 'green' | 'yellow' | 'red' | 'grey'
}

export interface PanelOptions {
  readonly title: string
  readonly description: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  readonly steps?: readonly Step[]
  readonly links?: readonly Link[]
}

export interface Link {
  readonly title: string
  readonly url: string
}

export type Panel = Readonly<Record<string, unknown>>

const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const
const COLOURS = { green: 'green', yellow: 'yellow', red: 'red', grey: 'text' } as const
const NO_STEPS: readonly Step[] = [{ from: null, colour: 'green' }]

/** One number, coloured by its thresholds. */
export const stat = (options: PanelOptions): Panel => ({
  ...base('stat', options, true),
  options: {
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
    orientation: 'auto',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    textMode: 'auto',
  },
})

/** Lines over time. */
export const timeSeries = (options: PanelOptions): Panel => ({
  ...base('timeseries', options, false),
  options: {
    legend: { calcs: ['lastNotNull', 'max'], displayMode: 'table', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
})

/** A row for each series, the greatest first. */
export const table = (options: PanelOptions): Panel => ({
  ...base('table', options, true),
  options: {
    cellHeight: 'sm',
    footer: { show: false },
    showHeader: true,
    sortBy: [{ desc: true, displayName: 'Value' }],
  },
  transformations: [{ id: 'organize', options: { excludeByName: { Time: true, __name__: true } } }],
})

/** Traces of the operator's collector, through its Jaeger API. @param service a variable, or `*` in its place */
export const traceTable = (title: string, description: string, service: string): Panel => {
  const datasource = { type: 'jaeger', uid: TRACES_UID }
  return {
    type: 'table',
    title,
    description,
    datasource,
    fieldConfig: { defaults: {}, overrides: [] },
    options: { cellHeight: 'sm', footer: { show: false }, showHeader: true },
    targets: [{ datasource, limit: 50, queryType: 'search', refId: 'A', service }],
  }
}

/** Of the provisioned data source. */
export const TRACES_UID = 'kongsul-traces'

/** Explore, with the traces of a service. @param service a variable of Grafana, which it fills in */
export function tracesLink(service: string): Link {
  const query = [{ refId: 'A', queryType: 'search', service: 'SERVICE' }]
  const panes = { mesh: { datasource: TRACES_UID, queries: query, range: { from: 'now-1h', to: 'now' } } }
  const encoded = encodeURIComponent(JSON.stringify(panes)).replace('SERVICE', service)
  return { title: 'Traces', url: `/explore?schemaVersion=1&panes=${encoded}` }
}

function base(type: string, options: PanelOptions, isInstant: boolean): Panel {
  const { title, description, unit, queries, steps = NO_STEPS, links = [] } = options
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        ...(unit === 'percentunit' ? { min: 0 } : {}),
        noValue: 'no data',
        thresholds: {
          mode: 'absolute',
          steps: steps.map(({ from, colour }) => ({ color: COLOURS[colour], value: from })),
        },
        ...(type === 'timeseries'
          ? { custom: { drawStyle: 'line', fillOpacity: 10, showPoints: 'never' } }
          : {}),
        links: links.map((link) => ({ ...link, targetBlank: false })),
      },
      overrides: [],
    },
    targets: queries.map(({ expr, legend }, at) => ({
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      instant: isInstant && type === 'table',
      ...(type === 'table' ? { format: 'table' } : {}),
      legendFormat: legend,
      range: !(isInstant && type === 'table'),
      refId: String.fromCharCode(65 + at),
    })),
  }
}
