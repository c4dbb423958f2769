import type { Io } from '../io.ts'
import type { Stack } from './stack.ts'
export async function meshTable(_stack: Stack, _io: Io): Promise<string[]> {
  return []
}
