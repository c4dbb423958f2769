// Test files as JavaScript: to transpile and to find hundreds of modules anew in each of a hundred processes took longer
// than many of the tests. They are bundled together; packages, and files that are run by themselves, stay where they are.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './prepare.mjs'

/** Packages are found from there; below node_modules/ the runner of Node 22 finds no tests. */
const ALL = join(root, '.cache', 'tests')
/** Each run has its own: another run in this folder may still be reading its files. */
const OUT = join(ALL, String(process.pid))
const UNIT = join('test', 'unit') + sep

/**
 * @param {readonly string[]} files test files, relative to the root
 * @returns {Promise<string[]>} what to run: a file for each, and one for all unit tests of a folder; by name those that take long come first
 */
export async function bundleTests(files) {
  const { build } = await import('esbuild')
  mkdirSync(OUT, { recursive: true })
  for (const run of readdirSync(ALL)) {
    if (Number(run) === process.pid || !isRunning(Number(run)))
      rmSync(join(ALL, run), { recursive: true, force: true })
  }
  mkdirSync(OUT, { recursive: true })
  const alone = files.filter((file) => !file.startsWith(UNIT))
  const entries = longestFirst([...alone, ...joined(files.filter((file) => file.startsWith(UNIT)))])
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry, at) => ({ in: entry, out: bundleName(entry, at) })),
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'linked',
    define: {
      'import.meta.dirname': 'OWN_DIRNAME',
      'import.meta.filename': 'OWN_FILENAME',
      'import.meta.url': 'OWN_URL',
    },
    metafile: true,
    logLevel: 'warning',
    plugins: [ownPlace, ownSeed],
  })
  const bundled = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint === undefined ? [] : [[entryPoint, path]],
  )
  const pathOf = new Map(bundled)
  return entries.map((entry) => pathOf.get(entry.split(sep).join('/')))
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The unit tests of a folder run in one process: a file for each folder, which imports the test files in it. */
function joined(files) {
  const folders = [...new Set(files.map((file) => file.split(sep)[2]))]
  return folders.map((folder) => {
    const path = join(OUT, 'unit', `${folder}.mjs`)
    mkdirSync(dirname(path), { recursive: true })
    const inIt = files.filter((file) => file.split(sep)[2] === folder)
    writeFileSync(path, inIt.map((file) => `import ${JSON.stringify(join(root, file))}\n`).join(''))
    return relative(root, path)
  })
}

/** Those that take half a minute and more: one that begins late would be the last to end, alone. */
export const LONG = [
  'browser/sizes',
  'integration/operator-scale',
  'integration/faults',
  'integration/cli-up',
  'integration/operator-killed-midway',
  'integration/cli-deploy',
  'integration/traffic-crash',
  'integration/grey-failures',
].map((name) => join('test', ...name.split('/')).concat('.test.ts'))

const longestFirst = (entries) => [
  ...LONG.filter((entry) => entries.includes(entry)),
  ...entries.filter((entry) => !LONG.includes(entry)),
]

/** Node runs files in the order of their names, whatever the order they are given in. */
function bundleName(entry, at) {
  const name = entry.startsWith('test') ? relative('test', entry) : join('unit', basename(entry))
  return `${String(at).padStart(3, '0')}-${name.replaceAll(sep, '-').replace(/(\.test\.ts|\.mjs)$/, '')}`
}

const LOADERS = { '.ts': 'ts', '.tsx': 'tsx', '.mjs': 'js' }

/** Modules ask where they are, for the files beside them: that is the source, not the bundle. */
const ownPlace = {
  name: 'own-place',
  setup(build) {
    build.onLoad({ filter: /\.(tsx?|mjs)$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!text.includes('import.meta.')) return undefined
      const [folder, url] = [dirname(path), pathToFileURL(path).href].map((each) => JSON.stringify(each))
      const own = `const OWN_DIRNAME = ${folder}, OWN_FILENAME = ${JSON.stringify(path)}, OWN_URL = ${url};`
      const contents = `${own}${text}`
      return { contents, loader: LOADERS[extname(path)], resolveDir: dirname(path) }
    })
  },
}

/** Property tests start from the seed that `npm test` sets. */
const SEEDED = join(root, 'test', 'support', 'seeded-fast-check.mjs')
const ownSeed = {
  name: 'own-seed',
  setup(build) {
    build.onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
      importer === SEEDED ? undefined : { path: SEEDED },
    )
  },
}
