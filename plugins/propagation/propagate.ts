// Trace headers: reads what came in, says what goes on. Everything in this folder but ids.ts is pure: no I/O, clock,
// randomness or logger. extract.ts and outgoing.ts are the two halves, formats/ knows the headers.
import { extract } from './extract.ts'
import { type Outgoing, outgoing, type RandomSource } from './outgoing.ts'
import type { PropagationConfig } from './propagation-config.ts'
import type { RequestHeaders } from './request-headers.ts'

/** Reads the trace of a request and says how its headers go on. Never throws, in time linear in the headers. */
export const propagate = (
  headers: RequestHeaders,
  config: PropagationConfig,
  random: RandomSource,
  mayRecord?: () => boolean,
): Outgoing => outgoing(headers, extract(headers, config), config, random, mayRecord)
