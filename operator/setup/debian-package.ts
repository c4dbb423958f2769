import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir } from './cache-dir.ts'

const run = promisify(execFile)
/** All that a package needs, for a program that the system has hardly anything of. */
export interface Closure {
  readonly isKept: (dependency: string) => boolean
  readonly also: readonly string[]
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Fetches a Debian package with apt, signatures checked, and unpacks it into the cache: the system's own apt
 * state and files stay as they are and no root is needed.
 * @param beside packages unpacked into the same tree, for libraries that the system may not have; or which of all that
 * it depends on are, and more
 * @returns the folder that holds the unpacked tree (`usr/bin/...` below it).
 * @throws Error naming the package and what apt said.
 */
export async function debianPackage(
  name: string,
  suite: string,
  beside: readonly string[] | Closure = [],
): Promise<string> {
  const target = join(cacheDir(), 'debian', suite, name)
  if (existsSync(target)) return target
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) {
    throw new Error(`Debian package ${name}: this system has no apt-get and dpkg-deb`)
  }
  mkdirSync(dirname(target), { recursive: true })
  const work = mkdtempSync(join(dirname(target), `.${name}-`))
  try {
    for (const dir of ['lists/partial', 'cache/archives/partial', 'unpacked']) {
      mkdirSync(join(work, dir), { recursive: true })
    }
    const signedBy = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : ''
    const archive = (path: string, of: string) => `deb ${signedBy}http://deb.debian.org/${path} ${of} main\n`
    const closure = 'isKept' in beside ? beside : null
    // What all its dependencies are fetched of has libraries old enough to have been mended meanwhile.
    const security = closure !== null ? archive('debian-security', `${suite}-security`) : ''
    writeFileSync(join(work, 'sources.list'), archive('debian', suite) + security)
    writeFileSync(join(work, 'status'), '')
    const options = [
      `Dir::Etc::sourcelist=${work}/sources.list`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${work}/lists`,
      `Dir::State::status=${work}/status`,
      `Dir::Cache=${work}/cache`,
      'Acquire::http::Timeout=10',
      'Acquire::Retries=1',
      'Acquire::Languages=none',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    ].flatMap((option) => ['-o', option])
    await run('apt-get', [...options, 'update', '-q'], { cwd: work, timeout: 120_000 })
    const others =
      closure !== null
        ? [...closure.also, ...(await dependenciesOf(name, options)).filter(closure.isKept)]
        : (beside as readonly string[])
    await run('apt-get', [...options, 'download', '-q', name, ...others], { cwd: work, timeout: 300_000 })
    const debs = readdirSync(work).filter((file) => file.endsWith('.deb'))
    if (debs.length <= others.length) throw new Error(`apt-get download left ${debs.length} files`)
    for (const deb of debs) {
      await run('dpkg-deb', ['-x', join(work, deb), join(work, 'unpacked')], { timeout: 120_000 })
    }
    try {
      renameSync(join(work, 'unpacked'), target)
    } catch (error) {
      if (!existsSync(target)) throw error // else another process was first: same package, same tree
    }
    return target
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message
    throw new Error(`Debian package ${name} (${suite}): ${said}`, { cause: error })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Names of all packages that come with it on a system that has none. @param options of apt-get */
async function dependenciesOf(name: string, options: readonly string[]): Promise<readonly string[]> {
  const args = [...options, '--simulate', '--yes', '--no-install-recommends', 'install', name]
  const { stdout } = await run('apt-get', args, { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 })
  const names = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, found]) => found!)
  return names.filter((found) => found !== name)
}
