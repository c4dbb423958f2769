// Asks the worker, and remembers: the same services and calls stand where they stood.
import type { Layout, LayoutAnswer, LayoutQuestion } from '../layout-worker.ts'

const MOST_KEPT = 30
const known = new Map<string, Layout>()
const waiting = new Map<string, (answer: LayoutAnswer) => void>()
let worker: Worker | null = null

export const knownLayout = (key: string): Layout | undefined => known.get(key)

/** @throws Error when it cannot be laid out */
export async function layOut(question: LayoutQuestion): Promise<Layout> {
  const before = known.get(question.key)
  if (before !== undefined) return before
  const answer = await new Promise<LayoutAnswer>((resolve) => {
    waiting.set(question.key, resolve)
    start().postMessage(question)
  })
  if ('error' in answer) throw new Error(answer.error)
  const oldest = known.size >= MOST_KEPT ? known.keys().next().value : undefined
  if (oldest !== undefined) known.delete(oldest)
  known.set(answer.key, answer)
  return answer
}

function start(): Worker {
  if (worker !== null) return worker
  const made = new Worker(trusted(new URL(`assets/${LAYOUT_WORKER}`, new URL('.', location.href)).href))
  made.addEventListener('message', ({ data }: MessageEvent<LayoutAnswer>) => {
    waiting.get(data.key)?.(data)
    waiting.delete(data.key)
  })
  made.addEventListener('error', (event) => {
    const answers = [...waiting]
    waiting.clear()
    worker = null
    for (const [key, tell] of answers) tell({ key, error: event.message || 'the worker cannot be loaded' })
  })
  worker = made
  return made
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string }
}

/** The policy of this page takes no text for the address of a script; this is the only one there is. */
function trusted(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes
  policy ??= types?.createPolicy('kongsul', { createScriptURL: (each) => each })
  return policy === undefined ? url : policy.createScriptURL(url)
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined
