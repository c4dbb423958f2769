/**
 * Calls `stop` once when the process that started this one is gone, however it went: the IPC channel closes
 * even after kill -9. Does nothing in a process that was not started with a channel.
 */
export function exitWithParent(stop: () => void): void {
  if (process.send === undefined) return
  // Our output goes with the parent; a line that cannot be written must not end us half-way through stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.once('disconnect', stop)
  // The parent may have died before this line ran; then no event comes.
  if (!process.connected) stop()
}
