// Bundles the command line into dist/ with esbuild: one file per program and one per command loaded on demand,
// packages left outside. Beside it the plugins and the dashboard.
// Runs as npm's `prepare` and from the launcher when the sources are newer than the last build.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildDashboard, moveDashboard } from './build-dashboard.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

const DAY_MS = 86_400_000

/** Entry points: name in dist/ -> source. */
const ENTRIES = { main: 'operator/cli/main.ts' }

/** The same, with the packages in it: one file to find, to read and to compile, in half the time. */
const WHOLE = { 'plugin-worker': 'operator/cli/plugin-worker.ts' }

/** Plugins, each in one CommonJS file, which is what Kong's own JavaScript plugin server can load. */
const PLUGINS = {
  'mesh-tracing': 'plugins/mesh-tracing/plugin.ts',
  'mesh-circuit-breaker': 'plugins/mesh-circuit-breaker/plugin.ts',
  'mesh-observer': 'plugins/mesh-observer/plugin.ts',
}

/** `kongsul/client`: in one file without packages, for `import` and for `require`. */
const CLIENT = 'operator/client/client.ts'
const CLIENT_TYPES = { client: CLIENT, 'public-types': 'operator/client/public-types.ts' }

/**
 * Builds dist/ atomically: a reader sees the old build or the new one, never half of one.
 * @param keepMs how long chunks of earlier builds stay, which a process that still runs from one of them may load
 */
export async function build({ keepMs = DAY_MS } = {}) {
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
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      sourcemap: 'linked',
      logLevel: 'warning',
    })
    await esbuild({
      absWorkingDir: root,
      entryPoints: WHOLE,
      outdir: staging,
      bundle: true,
      // kong-pdk is loaded when a plugin in its form is, and then whole.
      external: ['kong-pdk'],
      platform: 'node',
      target: 'node20',
      format: 'esm',
      banner: { js: REQUIRE },
      sourcemap: 'linked',
      logLevel: 'warning',
    })
    await buildPlugins(join(staging, 'plugins'))
    await buildClient(join(staging, 'client'))
    mkdirSync(join(root, 'dist', 'client'), { recursive: true })
    for (const name of readdirSync(join(staging, 'client'))) {
      renameSync(join(staging, 'client', name), join(root, 'dist', 'client', name))
    }
    mkdirSync(join(root, 'dist', 'plugins'), { recursive: true })
    for (const name of Object.keys(PLUGINS)) {
      renameSync(join(staging, 'plugins', `${name}.cjs`), join(root, 'dist', 'plugins', `${name}.cjs`))
    }
    await buildDashboard(root, join(staging, 'dashboard'))
    moveDashboard(join(staging, 'dashboard'), join(root, 'dist', 'dashboard'))
    const chunks = moveChunks(join(staging, 'chunks'))
    for (const name of Object.keys({ ...WHOLE, ...ENTRIES })) {
      renameSync(join(staging, `${name}.js.map`), join(root, 'dist', `${name}.js.map`))
      renameSync(join(staging, `${name}.js`), join(root, 'dist', `${name}.js`))
    }
    sweepChunks(chunks, keepMs)
    writeFileSync(join(root, 'dist', '.built-at'), startedAt.toISOString())
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** Packages in CommonJS call it for Node's own modules. */
const REQUIRE =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"

/** Writes one file for each plugin into `outdir`. */
export async function buildPlugins(outdir) {
  const { build: esbuild } = await import('esbuild')
  await esbuild({
    absWorkingDir: root,
    entryPoints: PLUGINS,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    logLevel: 'warning',
  })
}

/** Writes the client library and its types into `outdir`. */
export async function buildClient(outdir) {
  const [{ build: esbuild }, { default: ts }] = await Promise.all([import('esbuild'), import('typescript')])
  mkdirSync(outdir, { recursive: true })
  for (const [format, extension] of [
    ['esm', '.js'],
    ['cjs', '.cjs'],
  ]) {
    await esbuild({
      absWorkingDir: root,
      entryPoints: { client: CLIENT },
      outdir,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      outExtension: { '.js': extension },
      logLevel: 'warning',
    })
  }
  for (const [name, source] of Object.entries(CLIENT_TYPES)) {
    const { outputText } = ts.transpileDeclaration(readFileSync(join(root, source), 'utf8'), {
      fileName: source,
      compilerOptions: { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023 },
    })
    writeFileSync(join(outdir, `${name}.d.ts`), outputText.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"))
    writeFileSync(join(outdir, `${name}.d.cts`), outputText.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.cjs'"))
  }
}

/**
 * Chunks go before the entry points, which must never name one that is not there. A chunk's name holds the hash of its
 * content: one that is there already is the same, and another process may be reading it.
 * @returns the names of the build's chunks
 */
function moveChunks(from) {
  const to = join(root, 'dist', 'chunks')
  mkdirSync(to, { recursive: true })
  const names = existsSync(from) ? readdirSync(from) : []
  for (const name of names) if (!existsSync(join(to, name))) renameSync(join(from, name), join(to, name))
  return new Set(names)
}

/** Removes chunks of earlier builds. */
function sweepChunks(current, keepMs) {
  const chunks = join(root, 'dist', 'chunks')
  for (const file of readdirSync(chunks)) {
    if (current.has(file)) continue
    const age = Date.now() - (statSync(join(chunks, file), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (age >= keepMs) rmSync(join(chunks, file), { force: true })
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // As npm's `prepare`: what is packed or installed is this build alone.
  await build({ keepMs: 0 })
}
