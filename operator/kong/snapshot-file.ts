import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type KongSnapshot, parseSnapshot } from './snapshot.ts'

/** For the owner's eyes only: it has private keys and credentials in it. */
const MODE = 0o600

/** `kong-2026-01-31T10-20-30Z.json` in a folder. */
export const snapshotPath = (folder: string, { savedAt }: KongSnapshot): string =>
  join(folder, `kong-${savedAt.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-')}.json`)

/** @throws Error when the file exists (EEXIST) or cannot be written */
export async function writeSnapshot(file: string, snapshot: KongSnapshot): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, `${JSON.stringify(snapshot)}\n`, { mode: MODE, flag: 'wx' })
}

/** @throws Error when it cannot be read or is no snapshot */
export async function readSnapshotFile(file: string): Promise<KongSnapshot> {
  return parseSnapshot(await readFile(file, 'utf8'))
}
