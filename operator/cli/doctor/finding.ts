/** One thing that doctor looked at. */
export interface Finding {
  readonly area:
    | 'node'
    | 'ports'
    | 'consul'
    | 'kong'
    | 'operator'
    | 'plugins'
    | 'instances'
    | 'exposure'
    | 'intentions'
    | 'mesh'
  readonly level: 'ok' | 'warning' | 'problem'
  readonly found: string
  /** What mends it; null where nothing needs mending. */
  readonly mend: string | null
}

export const ok = (area: Finding['area'], found: string): Finding => ({
  area,
  level: 'ok',
  found,
  mend: null,
})

export const warning = (area: Finding['area'], found: string, mend: string): Finding => ({
  area,
  level: 'warning',
  found,
  mend,
})

export const problem = (area: Finding['area'], found: string, mend: string): Finding => ({
  area,
  level: 'problem',
  found,
  mend,
})
