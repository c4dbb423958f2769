/** One topic's way from the old streams into the mesh: the document KV `mesh/migration/<topic>`. */

import { z } from 'zod'
import { explainIssues, parseText } from '../core/settings-document.ts'
import { callPathProblem } from './call-path.ts'
import { TOPIC } from './topic.ts'

export const MIGRATION_MODES = ['queue', 'mirror', 'mesh'] as const
export type MigrationMode = (typeof MIGRATION_MODES)[number]

export interface Migration {
  readonly mode: MigrationMode
  /** Consul service that is called; null in mode `queue`, where none needs to be named. */
  readonly service: string | null
  readonly path: string
  /** Seconds that one call may take. */
  readonly timeout: number
}

/** Topics without a document: everything as before. */
export const AS_BEFORE: Migration = { mode: 'queue', service: null, path: '/process', timeout: 30 }

export const MIGRATION_PREFIX = 'mesh/migration/'

/** Where KV tells why the document of a topic is refused. */
export const MIGRATION_STATUS_PREFIX = 'mesh/status/migration/'

/** Fields of the document; what they may be is the same in KV and in the API. */
export const MIGRATION_FIELDS = {
  mode: z.enum(MIGRATION_MODES, `must be one of ${MIGRATION_MODES.join(', ')}`),
  service: z
    .string('must be a text')
    .min(1, 'must not be empty')
    .max(128, 'must not be longer than 128 characters')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    .regex(/^[^\u0000-\u001f\u007f/]+$/, 'must not hold "/" or control characters'),
  path: z.string('must be a text').superRefine((path, context) => {
    const problem = callPathProblem(path)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  }),
  timeout: z
    .number('must be a number of seconds')
    .min(1, 'must be 1 to 300 seconds')
    .max(300, 'must be 1 to 300 seconds, not milliseconds'),
}

const DOCUMENT = z
  .strictObject({
    mode: MIGRATION_FIELDS.mode,
    service: MIGRATION_FIELDS.service.optional(),
    path: MIGRATION_FIELDS.path.optional(),
    timeout: MIGRATION_FIELDS.timeout.optional(),
  })
  .refine(({ mode, service }) => mode === 'queue' || service !== undefined, {
    path: ['service'],
    message: 'must name the service to call',
  })

const MOST_BYTES = 65_536

export type ReadMigration =
  | { readonly ok: true; readonly migration: Migration }
  | { readonly ok: false; readonly errors: readonly string[] }

/** @param text JSON or YAML */
export function readMigration(topic: string, text: string): ReadMigration {
  if (!TOPIC.test(topic))
    return { ok: false, errors: [`${JSON.stringify(topic)} is no topic: ${TOPIC.source}`] }
  if (Buffer.byteLength(text) > MOST_BYTES) return { ok: false, errors: [`more than ${MOST_BYTES} bytes`] }
  const parsed = parseText(text)
  if (!parsed.ok) return { ok: false, errors: [parsed.error] }
  const result = DOCUMENT.safeParse(parsed.value)
  if (!result.success) {
    return { ok: false, errors: explainIssues(result.error.issues, parsed.value, DOCUMENT) }
  }
  const { mode, service = null, path = AS_BEFORE.path, timeout = AS_BEFORE.timeout } = result.data
  return { ok: true, migration: { mode, service, path, timeout } }
}

export const migrationText = ({ service, ...rest }: Migration): string =>
  JSON.stringify(service === null ? rest : { ...rest, service })
