import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { cacheDir } from './cache-dir.ts'
import { debianPackage } from './debian-package.ts'
import { downloadChecked } from './download.ts'
import { findServer } from './find-server.ts'
import { onPath } from './on-path.ts'
import { zipEntry } from './zip-entry.ts'

const RELEASE = '1.22.3'

/** SHA-256 of the official release archives of RELEASE. */
const DIGESTS: Readonly<Record<string, string>> = {
  darwin_amd64: 'e4663e1ac1b6171d7f9439121009c930068c2499cfba12e3fcb2e28fdac07b41',
  darwin_arm64: 'b2881e2f9c6704fdac53d54dfb3957bf0d280600541a8e8f61d807e96ea7efa0',
  linux_amd64: '0942ef6ed43522adfb4cddbefea2f0e64306318afb8aeab3727563f0caef04be',
  linux_arm64: 'ee6f8bee5290c98ad64be28e5a8865a1a299f62b4edd19e8428e3cde9ad58ffa',
}

interface Sources {
  /** One line about what is tried and which source was used. */
  readonly log: (line: string) => void
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Finds a Consul binary: CONSUL_BIN, PATH, the cache, the official release archive (SHA-256 checked), Debian's
 * bullseye package (1.8.7). Every candidate is asked for its version before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findConsul({ log, env = process.env }: Sources): Promise<string> {
  const cached = join(cacheDir(), 'consul', RELEASE, 'consul')
  const packaged = join(cacheDir(), 'debian', 'bullseye', 'consul', 'usr', 'bin', 'consul')
  return await findServer({
    configured: { variable: 'CONSUL_BIN', path: env['CONSUL_BIN'] },
    places: [...onPath('consul', env['PATH']), cached, packaged],
    sources: [
      [`the Consul ${RELEASE} release`, () => bringRelease(cached)],
      [
        "Debian's consul package (bullseye)",
        async () => join(await debianPackage('consul', 'bullseye'), 'usr', 'bin', 'consul'),
      ],
    ],
    version: { command: 'consul', argument: 'version', pattern: /^Consul v\d+\.\d+/ },
    notFound: 'no Consul found. Install it or set CONSUL_BIN, or CONSUL_HTTP_ADDR to use a running one.',
    log,
  })
}

async function bringRelease(target: string): Promise<string> {
  const name = `${platform()}_${arch() === 'x64' ? 'amd64' : arch()}`
  const digest = DIGESTS[name]
  if (!digest) throw new Error(`no release archive is known for ${name}`)
  const archive = await downloadChecked(
    `https://releases.hashicorp.com/consul/${RELEASE}/consul_${RELEASE}_${name}.zip`,
    digest,
  )
  mkdirSync(join(target, '..'), { recursive: true })
  const staged = `${target}.${process.pid}.tmp`
  writeFileSync(staged, zipEntry(archive, 'consul'))
  chmodSync(staged, 0o755)
  renameSync(staged, target)
  return target
}
