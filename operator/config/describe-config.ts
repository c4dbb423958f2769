import type { ResolvedConfig } from './resolve-config.ts'
import { environmentOf, flagOf } from './setting.ts'

/** A line of `kongsul config process`: where a value comes from and how else it could be given. */
export interface ConfigRow {
  readonly path: string
  /** null when not set; `[redacted]` for a secret. */
  readonly value: string | number | boolean | null
  readonly source: string
  readonly flag: string
  readonly environment: readonly string[]
  readonly help: string
}

/** Every setting with its value and source; secrets are redacted. */
export function describeConfig({ values }: ResolvedConfig): readonly ConfigRow[] {
  return [...values.values()].map(({ setting, value, source }) => ({
    path: setting.path,
    value: value === undefined ? null : setting.secret ? '[redacted]' : value,
    source,
    flag: flagOf(setting.path),
    environment: [environmentOf(setting.path), ...(setting.environment ?? [])],
    help: setting.help,
  }))
}
