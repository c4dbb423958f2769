import { readFile } from 'node:fs/promises'

/**
 * Datagrams that the kernel threw away because nobody took them in time, of the UDP sockets on `port`; null where the
 * kernel does not say (not Linux). https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
 */
export async function readKernelDrops(port: number): Promise<number | null> {
  const tables = await Promise.all(['/proc/net/udp', '/proc/net/udp6'].map(readTable))
  const known = tables.filter((text) => text !== null)
  return known.length === 0 ? null : known.reduce((sum, text) => sum + dropsIn(text, port), 0)
}

const readTable = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null)

/** Sum of the last column over the rows of a port; the local address is `0100007F:1414`, in hex. */
export function dropsIn(table: string, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  let drops = 0
  for (const row of table.split('\n').slice(1)) {
    const fields = row.trim().split(/\s+/)
    if (fields[1]?.endsWith(suffix)) drops += Number(fields[fields.length - 1]) || 0
  }
  return drops
}
