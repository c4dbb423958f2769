import { FORMATS, PROPAGATION_DEFAULTS } from '../propagation/propagation-config.ts'
import type { SchemaField } from '../server/form/plugin-module.ts'

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
            elements: { type: 'string', one_of: FORMATS },
            default: PROPAGATION_DEFAULTS.extract,
          },
        },
        {
          inject: {
            type: 'array',
            elements: { type: 'string', one_of: ['preserve', ...FORMATS] },
            default: PROPAGATION_DEFAULTS.inject,
          },
        },
        { clear: { type: 'array', elements: { type: 'string' } } },
        {
          default_format: {
            type: 'string',
            required: true,
            one_of: FORMATS,
            default: PROPAGATION_DEFAULTS.defaultFormat,
          },
        },
      ],
    },
  },
]
