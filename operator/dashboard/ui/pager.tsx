import type { Page } from '../model/service-rows.ts'
import { Glyph } from './icon.tsx'

export function Pager({
  page,
  what,
  total,
  onPage,
}: {
  readonly page: Page<unknown>
  readonly what: string
  readonly total: number
  readonly onPage: (page: number) => void
}) {
  if (page.pages === 1) return null
  return (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      <button
        type="button"
        disabled={page.page === 1}
        onClick={() => onPage(page.page - 1)}
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
        onClick={() => onPage(page.page + 1)}
        aria-label="Next page"
      >
        <Glyph name="right" />
      </button>
    </nav>
  )
}
