import type { Tapped } from '../metrics/outcome-tap.ts'
import type { Io } from './io.ts'

/** One request as `tap` prints it for people. Texts of clients are printed without control characters. */
export function tapLine(outcome: Tapped, paint: Io['paint']): string {
  const { time, status, method, path, duration, instance, instance_id: id, source, tries, trace_id } = outcome
  const code = (status >= 500 ? paint.red : status >= 400 ? paint.yellow : paint.green)(String(status))
  const served = instance === null ? (source === 'exit' ? 'answered by Kong' : '-') : (id ?? instance)
  const before = tries.slice(0, -1).map((each) => `${each.instance} ${each.status}`)
  const retried = before.length === 0 ? '' : paint.yellow(` after ${before.join(', ')}`)
  const trace = trace_id === null ? '' : paint.dim(` trace ${trace_id}`)
  const ms = `${Math.round(duration * 10) / 10} ms`.padStart(10)
  return `${time.slice(11, 23)} ${code} ${ms} ${plain(method)} ${plain(path)} ${served}${retried}${trace}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these could move the cursor of who looks on
const plain = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
