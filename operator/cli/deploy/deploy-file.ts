import { z } from 'zod'
import { type AgentRegistration, registerBody, registrationOf } from '../../api/registration.ts'
import { closestName } from '../../core/closest-name.ts'
import type { Json } from '../../core/entity.ts'
import { parseText, readDocument } from '../../core/settings-document.ts'
import { plainIssue } from '../../http/plain-issue.ts'

/** What a file asks for. */
export interface DeployFile {
  /** One for each entry of `services`, in its order. */
  readonly registrations: readonly AgentRegistration[]
  /** Documents for KV `mesh/services/<name>`, by service. */
  readonly settings: ReadonlyMap<string, Json>
}

export type ReadFile =
  | { readonly ok: true; readonly file: DeployFile }
  /** Each names the field and what it must be. */
  | { readonly ok: false; readonly errors: readonly string[] }

const SHAPE = z.strictObject({
  services: z.array(z.strictObject(registerBody)).min(1, 'must have one entry at least'),
  settings: z.record(z.string(), z.json()).optional(),
})

/**
 * The text of a deploy file, JSON or YAML: `services` has bodies of `POST /register`, `settings` documents of KV by
 * service. Every mistake is told at once. Pure.
 */
export function readDeployFile(text: string): ReadFile {
  const parsed = parseText(text)
  if (!parsed.ok) return { ok: false, errors: [parsed.error.replace('the document', 'the file')] }
  const result = SHAPE.safeParse(parsed.value, { error: plainIssue })
  if (!result.success) {
    return {
      ok: false,
      errors: [...result.error.issues.flatMap(sentencesOf), ...documentErrors(parsed.value)],
    }
  }
  const { services, settings = {} } = result.data
  const errors: string[] = []
  const registrations = services.flatMap((body, index) => {
    const asked = registrationOf(body)
    if (asked.ok) return [asked.registration]
    errors.push(`services[${index}].${asked.field} ${asked.message}`)
    return []
  })
  const firstById = new Map<string, number>()
  services.forEach(({ service_name, address, port }, index) => {
    const id = `${service_name} ${address}:${port}`
    const first = firstById.get(id)
    if (first === undefined) firstById.set(id, index)
    else errors.push(`services[${index}] is services[${first}] again (${id}): take one of them out`)
  })
  errors.push(
    ...settingsErrors(
      settings,
      services.map((each) => each.service_name),
    ),
  )
  if (errors.length > 0) return { ok: false, errors }
  return { ok: true, file: { registrations, settings: new Map(Object.entries(settings as never)) } }
}

/** Names of the services of a file, each once, sorted. */
export const serviceNames = ({ registrations }: DeployFile): readonly string[] =>
  [...new Set(registrations.map(({ Name }) => Name))].sort()

function settingsErrors(settings: Readonly<Record<string, unknown>>, services: readonly string[]): string[] {
  return Object.entries(settings).flatMap(([service, document]) => {
    if (!services.includes(service)) {
      const meant = closestName(service, services)
      const fix = meant === null ? 'add it to services, or take this out' : `did you mean ${meant}?`
      return [`settings.${service} is no service of this file: ${fix}`]
    }
    return errorsOf(service, document)
  })
}

/** What is wrong with settings in a file of which another part is wrong: all is told at once. */
function documentErrors(file: unknown): string[] {
  const { settings } = (file ?? {}) as { readonly settings?: unknown }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return []
  return Object.entries(settings).flatMap(([service, document]) => errorsOf(service, document))
}

function errorsOf(service: string, document: unknown): string[] {
  const read = readDocument('service', JSON.stringify(document))
  return read.ok ? [] : read.errors.map((error) => `settings.${service}: ${error}`)
}

function sentencesOf(issue: z.core.$ZodIssue): string[] {
  const field = pathText(issue.path)
  if (issue.code !== 'unrecognized_keys') return [`${field || 'the file'} ${issue.message}`]
  const known = issue.path.length === 0 ? Object.keys(SHAPE.shape) : Object.keys(registerBody)
  return issue.keys.map((key) => {
    const meant = closestName(key, known)
    const fix = meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
    return `${pathText([...issue.path, key])} is not known here; ${fix}`
  })
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  )
