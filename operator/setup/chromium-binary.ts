import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './cache-dir.ts'
import { debianPackage } from './debian-package.ts'
import { findServer } from './find-server.ts'
import { onPath } from './on-path.ts'

interface Sources {
  /** One line about what is tried and which source was used. */
  readonly log: (line: string) => void
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Chromium without windows; its package needs neither GTK nor Pango. */
const PACKAGE = 'chromium-headless-shell'
/** What pages are shown in where they ask for the font of the system. */
const FONT = 'fonts-inter'
const SUITES = ['bookworm', 'trixie'] as const
const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', PACKAGE] as const

/**
 * What it names and never loads without a screen, and what has to be the system's own: the C library fits the loader
 * that starts every program.
 */
const LEFT_OUT =
  /^(libc6|gcc-\d+-base|debconf|lsb-base|sysvinit-utils|perl.*|x11-utils|x11-common|xdg-utils|libllvm\d+|libgl1-mesa-dri|mesa-libgallium|libz3-4|libicu\d+|libxaw7|libxml2|libelf1|libdrm-(?:amdgpu1|intel1|nouveau2|radeon1))$/

/** Name of the script in an unpacked tree that starts it with its libraries and fonts. */
const LAUNCHER = 'start-chromium'

/**
 * Finds a Chromium for tests: CHROMIUM_BIN, PATH, the cache, Debian's package with all that it needs. Every candidate is
 * asked for its version before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findChromium({ log, env = process.env }: Sources): Promise<string> {
  return await findServer({
    configured: { variable: 'CHROMIUM_BIN', path: env['CHROMIUM_BIN'] },
    places: [
      ...COMMANDS.flatMap((name) => onPath(name, env['PATH'])),
      ...SUITES.map((suite) => join(cacheDir(), 'debian', suite, PACKAGE, LAUNCHER)),
    ],
    sources: suitesHere().map((suite) => [
      `Debian's ${PACKAGE} package (${suite})`,
      async () =>
        writeLauncher(
          await debianPackage(PACKAGE, suite, {
            isKept: (dependency) => !LEFT_OUT.test(dependency),
            also: [FONT],
          }),
        ),
    ]),
    version: {
      command: 'chromium',
      argument: '--version',
      pattern: /(?:Chromium|Chrome|HeadlessChrome|Headless Shell)\D*\d+\./i,
    },
    notFound: 'no Chromium found. Install it or set CHROMIUM_BIN.',
    log,
  })
}

/** That of this system first: its programs fit the C library here. */
function suitesHere(): readonly string[] {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const own = /^VERSION_CODENAME=(\S+)/m.exec(release)?.[1]
  return [...SUITES].sort((left, right) => Number(right === own) - Number(left === own))
}

/** Folders of libraries, some of which are a level below. */
function libraryFolders(tree: string): readonly string[] {
  return ['usr/lib', 'lib'].flatMap((base) => {
    if (!existsSync(join(tree, base))) return []
    const folders = readdirSync(join(tree, base)).filter((name) => name.includes('-linux-'))
    return folders.flatMap((name) => [`${base}/${name}`, `${base}/${name}/pulseaudio`])
  })
}

/** Libraries and fonts of the tree come first: they are what it was built with. */
function writeLauncher(tree: string): string {
  const folders = libraryFolders(tree).map((folder) => `$here/${folder}`)
  const fonts = [
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>',
    `<dir>${join(tree, 'usr/share/fonts')}</dir><dir>/usr/share/fonts</dir>`,
    '<alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>',
    '<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>',
    `<cachedir>${join(tree, 'font-cache')}</cachedir></fontconfig>`,
  ]
  writeWhole(join(tree, 'fonts.conf'), fonts, 0o644)
  const binary = existsSync(join(tree, 'usr/lib/chromium/chromium-headless-shell'))
    ? 'usr/lib/chromium/chromium-headless-shell'
    : `usr/bin/${PACKAGE}`
  return writeWhole(
    join(tree, LAUNCHER),
    [
      '#!/bin/sh',
      'here=$(cd "$(dirname "$0")" && pwd)',
      'export FONTCONFIG_FILE="$here/fonts.conf"',
      `LD_LIBRARY_PATH="${folders.join(':')}" exec "$here/${binary}" "$@"`,
    ],
    0o755,
  )
}

function writeWhole(target: string, lines: readonly string[], mode: number): string {
  const staged = `${target}.${process.pid}.tmp`
  writeFileSync(staged, `${lines.join('\n')}\n`)
  chmodSync(staged, mode)
  renameSync(staged, target)
  return target
}
