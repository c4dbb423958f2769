import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir } from './cache-dir.ts'

const run = promisify(execFile)
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Fetches a Debian package with apt, signatures checked, and unpacks it into the cache: the system's own apt
 * state and files stay as they are and no root is needed.
 * @param beside packages unpacked into the same tree, for libraries that the system may not have
 * @returns the folder that holds the unpacked tree (`usr/bin/...` below it).
 * @throws Error naming the package and what apt said.
 */
export async function debianPackage(
  name: string,
  suite: string,
  beside: readonly string[] = [],
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
    writeFileSync(join(work, 'sources.list'), `deb ${signedBy}http://deb.debian.org/debian ${suite} main\n`)
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
    await run('apt-get', [...options, 'download', '-q', name, ...beside], { cwd: work, timeout: 300_000 })
    const debs = readdirSync(work).filter((file) => file.endsWith('.deb'))
    if (debs.length <= beside.length) throw new Error(`apt-get download left ${debs.length} files`)
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
