interface Scheduler {
  yield?(): Promise<void>
}

/** Between two pieces of work: what people typed and what is to be drawn comes first. */
export function breath(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: Scheduler }
  return scheduler?.yield?.() ?? new Promise((done) => setTimeout(done))
}
