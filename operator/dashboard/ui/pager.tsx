import { replaceParams } from '../data/place.ts'
import type { Page } from '../model/service-rows.ts'
import { Glyph } from './icon.tsx'

export function Pager({
  page,
  what,
  total,
  param = 'page',
}: {
  readonly page: Page<unknown>
  readonly what: string
  readonly total: number
  /** Of the address, where the page is kept; the first is not named there. */
  readonly param?: string
}) {
  if (page.pages === 1) return null
  const turnTo = (next: number) => replaceParams({ [param]: next === 1 ? '' : String(next) })
  return (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      <button
        type="button"
        disabled={page.page === 1}
        onClick={() => turnTo(page.page - 1)}
        aria-label="Page before"
      >
        <Glyph name="left" />
      </button>
      <span>
        Page {page.page} of {page.pages}{' '}
        <span class="muted">
          ({total} {what})
        </span>
      </span>
      <button
        type="button"
        disabled={page.page === page.pages}
        onClick={() => turnTo(page.page + 1)}
        aria-label="Next page"
      >
        <Glyph name="right" />
      </button>
    </nav>
  )
}
