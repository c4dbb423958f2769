// Bundles the dashboard: one page, one script, one style sheet, one worker, named after their content.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'

const DAY_MS = 86_400_000

/** dagre asks its graph library for two walks of a tree; the other algorithms and its debugging are a tenth of it. */
const WITHOUT_UNUSED = {
  name: 'without-unused',
  setup(build) {
    const unused =
      /@dagrejs.(graphlib.lib.(json|alg.(components|dijkstra|dijkstra-all|find-cycles|floyd-warshall|is-acyclic|prim|tarjan|topsort))|dagre.lib.debug)\.js$/
    build.onLoad({ filter: unused }, () => ({ contents: '' }))
  },
}

/** Writes `index.html` and `assets/` into `outdir`. */
export async function buildDashboard(root, outdir) {
  const { build } = await import('esbuild')
  const source = join(root, 'operator', 'dashboard')
  const options = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome109', 'firefox115', 'safari16'],
    outdir: join(outdir, 'assets'),
    entryNames: '[name]-[hash]',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  }
  const names = ({ metafile }) => Object.keys(metafile.outputs).map((path) => basename(path))
  const worker = names(
    await build({ ...options, entryPoints: [join(source, 'layout-worker.ts')], plugins: [WITHOUT_UNUSED] }),
  )[0]
  const main = names(
    await build({
      ...options,
      entryPoints: [join(source, 'dashboard.tsx')],
      jsx: 'automatic',
      jsxImportSource: 'preact',
      define: { LAYOUT_WORKER: JSON.stringify(worker) },
    }),
  )
  const page = readFileSync(join(source, 'index.html'), 'utf8')
    .replace(
      'dashboard.js',
      main.find((name) => name.endsWith('.js')),
    )
    .replace(
      'dashboard.css',
      main.find((name) => name.endsWith('.css')),
    )
  writeFileSync(join(outdir, 'index.html'), page)
}

/**
 * Puts a build in the place of another: files first, then the page that names them. Files of builds before stay for a
 * day, for pages that are open.
 */
export function moveDashboard(from, to) {
  mkdirSync(join(to, 'assets'), { recursive: true })
  const fresh = new Set(readdirSync(join(from, 'assets')))
  for (const name of fresh) renameSync(join(from, 'assets', name), join(to, 'assets', name))
  renameSync(join(from, 'index.html'), join(to, 'index.html'))
  for (const name of readdirSync(join(to, 'assets'))) {
    const path = join(to, 'assets', name)
    if (!fresh.has(name) && existsSync(path) && Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path)
  }
}
