// The official suite: a folder of Python files that somebody has checked out.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** What is missing, for the person who started this. */
export class SuiteError extends Error {}

export interface Suite {
  readonly folder: string
  readonly python: string
}

/** Debian's packages are those of its own Python, which need not be the first one in PATH. */
const PYTHONS = ['python3', '/usr/bin/python3']

/**
 * The suite below `path`, and a Python that can run it: `python` or the first of the usual ones.
 * @throws SuiteError that says what to do
 */
export function findSuite(path: string | undefined, python: string | undefined): Suite {
  if (path === undefined) {
    throw new SuiteError(
      'Give the folder of the suite: npm run test:w3c -- PATH. PATH is a checkout of https://github.com/w3c/trace-context.',
    )
  }
  const folder = [join(path, 'test'), path].find((each) => existsSync(join(each, 'test.py')))
  if (folder === undefined) {
    throw new SuiteError(
      `${path} has no test/test.py: give a checkout of https://github.com/w3c/trace-context.`,
    )
  }
  const pythons = python ? [python] : PYTHONS
  const able = pythons.find((each) => spawnSync(each, ['-c', 'import aiohttp']).status === 0)
  if (able !== undefined) return { folder: resolve(folder), python: able }
  const isThere = pythons.some((each) => spawnSync(each, ['-c', '']).status === 0)
  throw new SuiteError(
    isThere
      ? 'The suite needs aiohttp: install python3-aiohttp (Debian, Ubuntu), or set PYTHON to a Python that has it.'
      : 'The suite needs Python 3 with aiohttp: install python3-aiohttp (Debian, Ubuntu), which brings both, or set PYTHON.',
  )
}

export interface SuiteRun {
  /** The relay's URL as the suite is to call it. */
  readonly endpoint: string
  /** Where the suite is to listen for calls of the relay, on 127.0.0.1. */
  readonly port: number
}

/** Runs every case of level 2, strictly; prints what it prints. Answers its exit code: how many cases failed. */
export async function runSuite({ folder, python }: Suite, { endpoint, port }: SuiteRun): Promise<number> {
  const suite = spawn(python, ['test.py', endpoint], {
    cwd: folder,
    stdio: 'inherit',
    env: {
      ...process.env,
      SPEC_LEVEL: '2',
      STRICT_LEVEL: '2',
      HARNESS_HOST: '127.0.0.1',
      HARNESS_PORT: String(port),
      // Of one case, in seconds. A busy machine is no failure.
      HARNESS_TIMEOUT: process.env['HARNESS_TIMEOUT'] ?? '30',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  })
  const [code] = (await once(suite, 'close')) as [number | null]
  return code ?? 1
}
