import type { Plugin } from './plugin.ts'
import { headerValues } from './response-values.ts'
import { stepsOf, transform } from './transformation.ts'

type Change = Readonly<Record<string, readonly string[] | undefined>> | null

interface ResponseTransformerConfig {
  readonly remove: Change
  readonly rename: Change
  readonly replace: Change
  readonly add: Change
  readonly append: Change
}

/** Changes the headers of the answer. JSON bodies are not changed. */
export const responseTransformer: Plugin<ResponseTransformerConfig> = {
  name: 'response-transformer',
  priority: 800,
  respond(context, { config }, upstream) {
    transform(
      {
        get: (name) => headerValues(context, upstream, name),
        set: (name, values) => {
          context.responseHeaders.set(name.toLowerCase(), values ? { name, values } : null)
        },
      },
      stepsOf(config as never, 'headers'),
    )
  },
}
