// Every text for people: its links lead somewhere, and the commands and JSON in it are real.
import { deepEqual, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { parseDocument } from 'yaml'

const root = join(import.meta.dirname, '..', '..', '..')
const texts = new Map(
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')] as const),
)
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm
const withoutCode = (text: string) =>
  text.replaceAll(FENCE, '').replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]]/g, ''))

/** As GitHub names a heading's anchor: lower case, without punctuation, a dash for each space. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-')

function anchorsOf(path: string): readonly string[] {
  const headings = (texts.get(path) ?? '').replaceAll(FENCE, '').matchAll(/^#+ +(.+)$/gm)
  return Array.from(headings, ([, heading = '']) => anchorOf(heading))
}

test('every relative link leads to a file that is there, and to a heading that it has', () => {
  const broken: string[] = []
  for (const [path, text] of texts) {
    for (const [, link = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : normalize(join(dirname(path), file)).replace(/\/$/, '')
      if (!existsSync(join(root, target))) broken.push(`${path}: ${link} (no such file)`)
      else if (anchor !== undefined && !anchorsOf(target).includes(anchor))
        broken.push(`${path}: ${link} (no such heading)`)
    }
  }
  deepEqual(broken, [])
})

test('blocks of JSON and YAML can be read', () => {
  const broken: string[] = []
  for (const [path, text] of texts) {
    for (const [, language, code = ''] of text.matchAll(FENCE)) {
      if (language !== 'json' && language !== 'yaml') continue
      const { errors } = parseDocument(code)
      if (errors.length > 0) broken.push(`${path}: ${errors[0]!.message}`)
    }
  }
  deepEqual(broken, [])
})

test('shell in a block is shell, and the commands and options of kongsul in it are there', () => {
  const known = kongsulTree()
  const broken: string[] = []
  for (const [path, text] of texts) {
    for (const [, language, code = ''] of text.matchAll(FENCE)) {
      if (language !== 'sh') continue
      try {
        execFileSync('bash', ['-n'], { input: code, stdio: ['pipe', 'ignore', 'pipe'] })
      } catch (error) {
        broken.push(`${path}: ${String((error as { stderr: Buffer }).stderr)}`)
      }
      const lines = code.replaceAll('\\\n', ' ').split('\n')
      for (const line of lines) {
        for (const [, rest = ''] of line
          .replace(/(^|\s)#.*/, '')
          .matchAll(/(?:^|[\s;|&])kongsul ([^;|&<>]*)/g)) {
          const fault = faultOf(rest.split(/\s+/), known)
          if (fault !== null) broken.push(`${path}: kongsul ${rest}: ${fault}`)
        }
      }
    }
  }
  deepEqual(broken, [])
  ok(known.size > 20, 'the commands were found')
})

/** `get|set NAME` is one command after the other. */
const alternatives = (words: string): readonly string[][] => {
  const [first = '', ...rest] = words.split(/\s+/)
  return first.split(/\\?\|/).map((each) => [each, ...rest.flatMap((word) => word.split(/\\?\|/))])
}

test('commands of kongsul within sentences are there, with their options', () => {
  const known = kongsulTree()
  const broken: string[] = []
  for (const [path, text] of texts) {
    if (path === 'CHANGELOG.md') continue
    for (const [, words = ''] of text.replaceAll(FENCE, '').matchAll(/`(?:npx )?kongsul ([a-z][^`]*)`/g)) {
      for (const each of alternatives(words.replaceAll('\n', ' '))) {
        const fault = faultOf(each, known)
        if (fault !== null) broken.push(`${path}: kongsul ${words}: ${fault}`)
      }
    }
  }
  deepEqual(broken, [])
})

test('metrics and files of the repository that a text names are there', () => {
  const metrics = new Set(
    [...texts.get('docs/metrics.md')!.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name),
  )
  const broken: string[] = []
  for (const [path, text] of texts) {
    if (path === 'CHANGELOG.md') continue
    for (const [, name = ''] of text.matchAll(/\b(mesh_[a-z_]+[a-z])\b(?!\*)/g)) {
      if (!metrics.has(name.replace(/_(bucket|sum|count)$/, ''))) broken.push(`${path}: ${name}`)
    }
    for (const [, name = ''] of text.matchAll(/`((?:operator|plugins|kong|test|docs)\/[\w./-]+)`/g)) {
      if (!existsSync(join(root, name))) broken.push(`${path}: ${name} (no such file)`)
    }
  }
  deepEqual(broken, [])
})

/** Options by command, with its aliases: what `kongsul completion` knows. */
function kongsulTree(): ReadonlyMap<string, ReadonlySet<string>> {
  const script = execFileSync(
    process.execPath,
    [join(root, 'operator', 'cli', 'kongsul.mjs'), 'completion', 'bash'],
    { encoding: 'utf8' },
  )
  const tree = script.slice(script.indexOf('if [ -z "$words" ]'))
  return new Map(
    Array.from(
      tree.matchAll(/^ +'([^']*)'\) words='([^']*)' ;;$/gm),
      ([, path = '', words = '']) => [path, new Set(words.split(' '))] as const,
    ),
  )
}

const ALIASES: Readonly<Record<string, string>> = { diff: 'plan', check: 'doctor' }

function faultOf(words: readonly string[], known: ReadonlyMap<string, ReadonlySet<string>>): string | null {
  const [first = ''] = words
  if (first.startsWith('-')) return null
  let path = ALIASES[first] ?? first
  if (!known.has(path)) return 'no such command'
  if (known.has(`${path} ${words[1]}`)) path = `${path} ${words[1]}`
  if (known.has(`${path} ${words[2]}`)) path = `${path} ${words[2]}`
  const unknown = words.filter((word) => word.startsWith('--') && !known.get(path)!.has(word.split('=')[0]!))
  return unknown.length === 0 ? null : `no option ${unknown.join(', ')}`
}
