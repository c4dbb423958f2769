import type { SchemaField } from '../server/form/plugin-module.ts'

/** Formats of trace headers that are read, in the order in which they are looked for. */
export const EXTRACT_FORMATS = [
  'w3c',
  'b3',
  'b3-single',
  'jaeger',
  'ot',
  'datadog',
  'aws',
  'gcp',
  'mesh',
] as const
export type TraceFormat = (typeof EXTRACT_FORMATS)[number]

/** `preserve` writes the format that was found, or the default one. */
export const INJECT_FORMATS = ['preserve', ...EXTRACT_FORMATS] as const
export type InjectFormat = (typeof INJECT_FORMATS)[number]

/** The configuration in Kong's schema language; `propagation` is as in Kong's own tracing plugins. */
export const schema: readonly SchemaField[] = [
  { enabled: { type: 'boolean', required: true, default: true } },
  { sampling_rate: { type: 'number', required: true, between: [0, 1], default: 1 } },
  {
    propagation: {
      type: 'record',
      required: true,
      fields: [
        {
          extract: {
            type: 'array',
            elements: { type: 'string', one_of: EXTRACT_FORMATS },
            default: EXTRACT_FORMATS,
          },
        },
        {
          inject: {
            type: 'array',
            elements: { type: 'string', one_of: INJECT_FORMATS },
            default: ['preserve'],
          },
        },
        { clear: { type: 'array', elements: { type: 'string' } } },
        { default_format: { type: 'string', required: true, one_of: EXTRACT_FORMATS, default: 'w3c' } },
      ],
    },
  },
]
