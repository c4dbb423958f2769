import type { FlatAttributes, ResourceInput } from './span-input.ts'

/** What OpenTelemetry calls a service without a name. */
export const UNKNOWN_SERVICE = 'unknown_service'

/** Takes the name of the service out of its attributes. */
export function resourceOf(attributes: FlatAttributes): ResourceInput {
  let service = ''
  const rest: FlatAttributes = []
  for (let i = 0; i < attributes.length; i += 2) {
    if (attributes[i] === 'service.name') service = String(attributes[i + 1])
    else rest.push(attributes[i]!, attributes[i + 1]!)
  }
  return { service: service === '' ? UNKNOWN_SERVICE : service, attributes: rest }
}

/** The instrumentation that made a span, in one text. */
export const scopeText = (name: string, version: string): string =>
  [name, version].filter((word) => word !== '').join(' ')
