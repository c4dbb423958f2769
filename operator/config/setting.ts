// Process configuration: where the operator finds Consul and Kong, its ports, its mesh.
// Pure: settings-table, parse-file, resolve-config, describe-config. Only load-config touches files and env.
// Settings of services are another thing: they live in Consul (operator/core/settings.ts).
import type { ZodType } from 'zod'

/** One thing that can be configured: where it comes from and what is allowed. */
export interface Setting {
  /** Dotted path in the file; also gives the flag (`--kong-admin-url`) and KONGSUL_KONG_ADMIN_URL. */
  readonly path: string
  /** How text of a flag or of the environment becomes a value. */
  readonly kind: 'text' | 'number' | 'boolean'
  readonly schema: ZodType
  /** Usual names in the environment beside the derived one, which wins. */
  readonly environment?: readonly string[]
  readonly fallback?: string | number | boolean
  /** Never printed, and its value stays out of error messages. */
  readonly secret?: boolean
  /** One line for --help and the documentation. */
  readonly help: string
  /** An example that works, for the error message. */
  readonly example: string
}

/** `consul.caFile` -> ['consul', 'ca', 'file']: the words that flags and environment names are made of. */
function words(path: string): string[] {
  return path
    .replace(/([a-z])([A-Z])/g, '$1.$2')
    .toLowerCase()
    .split('.')
}

/** `kong.adminUrl` -> `--kong-admin-url`. */
export const flagOf = (path: string): string => `--${words(path).join('-')}`

/** `kong.adminUrl` -> `KONGSUL_KONG_ADMIN_URL`. */
export const environmentOf = (path: string): string => `KONGSUL_${words(path).join('_').toUpperCase()}`

/** `kong.adminUrl` -> `kongAdminUrl`: the name commander gives the flag's value. */
export const flagKeyOf = (path: string): string =>
  words(path)
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join('')

/** `http://user:password@host` and the like. */
const USER_PART = /(:\/\/)[^/?#@]*@/

export const hasCredentials = (text: string): boolean => USER_PART.test(text)

/** The same with the user's part redacted, for messages. */
export const withoutCredentials = (text: string): string =>
  text.replaceAll(new RegExp(USER_PART, 'g'), '$1[redacted]@')
