/** What Kong has against the configuration of a plugin, in the words of the settings that it was made of. */

import type { Json } from '../entity.ts'

/**
 * Sentences that begin with the setting's name.
 * @param fields of Kong's schema violation: messages by field, nested as the entity is
 */
export function sayRefusal(plugin: string, fields: Json | undefined, message: string): readonly string[] {
  const section = SECTIONS[plugin] ?? plugin
  const told = flatten('', fields ?? null).map(([path, text]) => {
    const period = path === 'config' ? /^The limit for (\w+)\(/.exec(text)?.[1] : undefined
    return `${period === undefined ? settingOf(plugin, path) : `${section}.${period}`} is refused by Kong: ${text}`
  })
  // That a condition does not hold is said of its field as well.
  const plain = told.filter((text) => !text.includes('failed conditional validation'))
  const shown = plain.length > 0 ? plain : told
  return shown.length > 0 ? shown : [`${section} is refused by Kong: ${message}`]
}

const SECTIONS: Readonly<Record<string, string>> = {
  'rate-limiting': 'rateLimit',
  'request-size-limiting': 'requestSize',
  'ip-restriction': 'access',
  cors: 'cors',
  'request-transformer': 'headers.request',
  'response-transformer': 'headers.response',
}

/** Of fields whose setting has another name. */
const SETTINGS: Readonly<Record<string, string>> = {
  allowed_payload_size: 'maxBytes',
  require_content_length: 'requireContentLength',
  header_name: 'header',
  limit_by: 'limitBy',
  hide_client_headers: 'hideHeaders',
  max_age: 'maxAgeSeconds',
  exposed_headers: 'exposedHeaders',
  preflight_continue: 'passPreflight',
  replace: 'set',
  append: 'add',
  add: 'set',
}

function settingOf(plugin: string, path: string): string {
  const section = SECTIONS[plugin] ?? plugin
  const [root, field] = path.split('.')
  if (root !== 'config' || field === undefined) return section
  return `${section}.${SETTINGS[field] ?? field}`
}

function flatten(path: string, value: Json): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((each) => flatten(path, each))
  return Object.entries(value).flatMap(([key, member]) =>
    flatten(path === '' ? key : `${path}.${key}`, member),
  )
}
