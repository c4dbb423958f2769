import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianPackage } from '../../operator/setup/debian-package.ts'
import { waitFor } from './wait-for.ts'

/** Why there can be none on this machine; null when there can. */
export const whyNoFakeClock = (): string | null =>
  process.platform === 'linux' && existsSync('/usr/bin/apt-get') ? null : 'needs libfaketime of Debian'

/** The clock of processes that are started with it; what they count from their start goes on as ever. */
export interface FakeClock {
  readonly env: Readonly<Record<string, string>>
  /** Their clock is so far from the true one, s, from within a second on. */
  step(seconds: number): void
  remove(): void
}

const SUITE = 'bookworm'

/** Debian's libfaketime, fetched as the tests' other servers are. @throws Error where there is none for this system */
export async function makeFakeClock(): Promise<FakeClock> {
  const tree = await debianPackage('libfaketime', SUITE)
  const name = 'libfaketimeMT.so.1'
  const base = join(tree, 'usr', 'lib')
  const library = readdirSync(base, { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith(name))
  if (library === undefined || !existsSync(join(base, library))) throw new Error(`${tree} has no ${name}`)
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-clock-'))
  const file = join(folder, 'offset')
  const step = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  step(0)
  return {
    env: {
      LD_PRELOAD: join(base, library),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    step,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Waits until a server's own Date header is so far from this machine's clock, s. */
export const clockIs = (url: string, seconds: number): Promise<boolean> =>
  waitFor(
    async () => {
      const told = Date.parse((await fetch(url)).headers.get('date') ?? '')
      return Math.abs((told - Date.now()) / 1000 - seconds) < 60
    },
    { deadlineMs: 20_000, what: `its clock being ${seconds} s off` },
  )
