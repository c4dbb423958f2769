import type { Tapped } from '../metrics/outcome-tap.ts'
import type { Io } from './io.ts'
import { visible } from './visible.ts'

/** One request as `tap` prints it for people. What clients and services wrote does nothing to the terminal. */
export function tapLine(outcome: Tapped, paint: Io['paint']): string {
  const { time, status, method, path, duration, instance, instance_id: id, source, tries, trace_id } = outcome
  const code = (status >= 500 ? paint.red : status >= 400 ? paint.yellow : paint.green)(String(status))
  const served = instance === null ? (source === 'exit' ? 'answered by Kong' : '-') : (id ?? instance)
  const before = tries.slice(0, -1).map((each) => `${each.instance} ${each.status}`)
  const retried = before.length === 0 ? '' : paint.yellow(visible(` after ${before.join(', ')}`))
  const trace = trace_id === null ? '' : paint.dim(` trace ${trace_id}`)
  const ms = `${Math.round(duration * 10) / 10} ms`.padStart(10)
  return `${time.slice(11, 23)} ${code} ${ms} ${visible(method)} ${visible(path)} ${visible(served)}${retried}${trace}`
}
