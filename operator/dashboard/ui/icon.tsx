import type { ComponentChildren } from 'preact'
import { LEVEL_WORDS, type Level } from '../model/severity.ts'

/** A shape of its own for each level: colour alone tells nothing to many people. */
export function LevelIcon({ level, size = 14 }: { readonly level: Level; readonly size?: number }) {
  return (
    <svg class={`icon icon-${level}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[level]}
    </svg>
  )
}

const SHAPES: Readonly<Record<Level, ComponentChildren>> = {
  bad: (
    <>
      <path class="fill" d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" />
      <path class="cut" d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" />
    </>
  ),
  warn: (
    <>
      <path class="fill" d="M8 .9 15.6 14.6H.4z" />
      <path class="cut" d="M8 5.6v4.2M8 11.9v.4" />
    </>
  ),
  unknown: (
    <>
      <circle class="line" cx="8" cy="8" r="6.7" stroke-dasharray="2.6 2.2" />
      <path class="line" d="M6.1 6.2c.2-2.6 4-2.3 3.8.1C9.8 7.7 8 7.6 8 9.3M8 11.6v.3" />
    </>
  ),
  idle: (
    <>
      <circle class="line" cx="8" cy="8" r="6.7" />
      <path class="line" d="M5 8h6" />
    </>
  ),
  ok: (
    <>
      <circle class="fill" cx="8" cy="8" r="7.4" />
      <path class="cut" d="M4.6 8.3l2.4 2.4 4.4-5" />
    </>
  ),
}

/** Icon and words, always both. */
export function State({ level, text }: { readonly level: Level; readonly text?: string }) {
  return (
    <span class={`state state-${level}`}>
      <LevelIcon level={level} />
      <span>{text ?? LEVEL_WORDS[level]}</span>
    </span>
  )
}

export function Glyph({ name }: { readonly name: keyof typeof GLYPHS }) {
  return (
    <svg class="glyph" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path d={GLYPHS[name]} />
    </svg>
  )
}

const GLYPHS = {
  search: 'M7 12.2A5.2 5.2 0 1 0 7 1.8a5.2 5.2 0 0 0 0 10.4zM10.8 10.8 14.4 14.4',
  key: 'M10.4 9.2a3.8 3.8 0 1 0-3.5-2.3L1.8 12v2.2h2.4v-1.8H6v-1.8l1.2-1.2c.9.5 2.1.7 3.2-.2zM11 4.9h.1',
  help: 'M8 14.4A6.4 6.4 0 1 0 8 1.6a6.4 6.4 0 0 0 0 12.8zM6.2 6.3c.2-2.3 3.6-2 3.5.1C9.6 7.7 8 7.6 8 9.2M8 11.3v.2',
  sun: 'M8 11.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM8 .9v1.6M8 13.5v1.6M.9 8h1.6M13.5 8h1.6M3 3l1.1 1.1M11.9 11.9 13 13M13 3l-1.1 1.1M4.1 11.9 3 13',
  moon: 'M13.8 9.7A6.2 6.2 0 0 1 6.3 2.2a6.2 6.2 0 1 0 7.5 7.5z',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  out: 'M6.5 3H3v10h10V9.5M9.5 2.5h4v4M13.2 2.8 7.5 8.5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  fit: 'M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4',
  right: 'M6 3.5 10.5 8 6 12.5',
  left: 'M10 3.5 5.5 8 10 12.5',
} as const
