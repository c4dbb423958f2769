import { environmentOf, flagOf } from '../../config/setting.ts'
import { CliError } from '../cli-error.ts'
import { isFree, type Protocol, pickFreePorts } from './free-ports.ts'
import { describeOwner, readPortOwner } from './port-owner.ts'

/** Ports that `up` listens on, by their name in the configuration. */
export type UpPortName = 'proxy' | 'proxyTls' | 'admin' | 'api' | 'plugins' | 'feed' | 'consul'
export type UpPorts = Readonly<Record<UpPortName, number>>

export interface PortWishes {
  readonly ports: UpPorts
  /** Names whose port somebody chose; `--free-ports` leaves them as they are. */
  readonly chosen: ReadonlySet<string>
  /** Names that are not needed: Consul's where one is there already. */
  readonly unneeded: ReadonlySet<string>
  readonly freePorts: boolean
}

/** Kong's access log comes as datagrams; all else is TCP. */
export const protocolOf = (name: UpPortName): Protocol => (name === 'feed' ? 'udp' : 'tcp')

/**
 * The ports `up` will use.
 * @throws CliError PORT_TAKEN that names every taken port, its owner and how to choose another.
 */
export async function planPorts({ ports, chosen, unneeded, freePorts }: PortWishes): Promise<UpPorts> {
  const names = (Object.keys(ports) as UpPortName[]).filter((name) => !unneeded.has(name))
  const planned = { ...ports }
  if (freePorts) {
    const open = names.filter((name) => !chosen.has(name))
    const picked = await pickFreePorts(open.length, Object.values(ports))
    for (const [index, name] of open.entries()) planned[name] = picked[index]!
  }
  const taken: string[] = []
  let example: UpPortName | undefined
  for (const name of names) {
    const protocol = protocolOf(name)
    if (await isFree(planned[name], protocol)) continue
    const owner = describeOwner(await readPortOwner(planned[name], protocol))
    taken.push(`${protocol === 'udp' ? 'UDP ' : ''}port ${planned[name]} (${name}) belongs to ${owner}`)
    example ??= name
  }
  if (example === undefined) return planned
  const [another] = await pickFreePorts(1, Object.values(planned))
  const path = `port.${example}`
  throw new CliError('PORT_TAKEN', {
    tried: `listening on ${names.map((name) => `${name}=${planned[name]}`).join(', ')}`,
    answer: taken.join('; '),
    remedy:
      `stop that process, or choose another port: --port ${example}=${another} (also ${flagOf(path)}, ` +
      `${environmentOf(path)}), or --free-ports for any`,
  })
}
