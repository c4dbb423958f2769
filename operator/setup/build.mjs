// Bundles the command line into dist/ with esbuild: one file per program, packages left outside.
// Runs as npm's `prepare` and from the launcher when the sources are newer than the last build.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Entry points: name in dist/ -> source. */
const ENTRIES = { main: 'operator/cli/main.ts' }

/** Builds dist/ atomically: a reader sees the old build or the new one, never half of one. */
export async function build() {
  const { build: esbuild } = await import('esbuild')
  mkdirSync(join(root, 'dist'), { recursive: true })
  const staging = mkdtempSync(join(root, 'dist', '.build-'))
  try {
    const startedAt = new Date()
    await esbuild({
      absWorkingDir: root,
      entryPoints: ENTRIES,
      outdir: staging,
      bundle: true,
      packages: 'external',
      platform: 'node',
      target: 'node20',
      format: 'esm',
      sourcemap: 'linked',
      logLevel: 'warning',
    })
    for (const name of Object.keys(ENTRIES)) {
      renameSync(join(staging, `${name}.js.map`), join(root, 'dist', `${name}.js.map`))
      renameSync(join(staging, `${name}.js`), join(root, 'dist', `${name}.js`))
    }
    writeFileSync(join(root, 'dist', '.built-at'), startedAt.toISOString())
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await build()
