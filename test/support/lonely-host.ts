// A host of its own on this machine, whose packets can be lost: a network namespace behind a pair of virtual cards.
import { execFileSync } from 'node:child_process'

export interface LonelyHost {
  /** Where it is reached. */
  readonly address: string
  /** Words before a command that is to run there. */
  readonly within: readonly string[]
  /** Nothing comes back from it any more: what is sent to it is lost in silence, as with a host that lost its power. */
  vanish(): void
  return(): void
  remove(): void
}

/** Why there can be none on this machine; null when there can. */
export function whyNoLonelyHost(): string | null {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root, for a network namespace'
  try {
    const probe = nameOf('probe')
    ip('netns', 'add', probe)
    ip('netns', 'del', probe)
    return null
  } catch (error) {
    return `no network namespace here: ${(error as Error).message.split('\n')[0]}`
  }
}

const NETWORK = '10.219.73'

export function makeLonelyHost(): LonelyHost {
  const [name, outer, inner] = ['h', 'o', 'i'].map(nameOf) as [string, string, string]
  const [here, there] = [`${NETWORK}.1`, `${NETWORK}.2`]
  const inside = (...args: string[]) => ip('-n', name, ...args)
  ip('netns', 'add', name)
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner)
  ip('link', 'set', inner, 'netns', name)
  ip('addr', 'add', `${here}/30`, 'dev', outer)
  ip('link', 'set', outer, 'up')
  inside('addr', 'add', `${there}/30`, 'dev', inner)
  inside('link', 'set', inner, 'up')
  inside('link', 'set', 'lo', 'up')
  return {
    address: there,
    within: ['ip', 'netns', 'exec', name],
    vanish: () => inside('route', 'add', 'blackhole', `${here}/32`),
    return: () => inside('route', 'del', 'blackhole', `${here}/32`),
    remove: () => {
      ip('netns', 'del', name)
      // The outer card goes with the inner one, once the last process there is gone.
    },
  }
}

const nameOf = (role: string): string => `kf${role}${process.pid % 100_000}`.slice(0, 15)

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
