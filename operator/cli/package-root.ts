import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(import.meta.url)

/** Folder that holds our package.json, whether this runs from a checkout or from dist/. */
export function packageRoot(): string {
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
  }
  throw new Error(`no package.json above ${here}: the installation is incomplete, install kongsul again`)
}

/** Version of this package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

/** Arguments for Node that run one of our programs as a child: `main` is this same command line. */
export function programArguments(program: 'main' | 'plugin-worker' = 'main'): readonly string[] {
  return here.endsWith('.ts')
    ? ['--import', import.meta.resolve('tsx'), join(packageRoot(), 'operator', 'cli', `${program}.ts`)]
    : [join(packageRoot(), 'dist', `${program}.js`)]
}
