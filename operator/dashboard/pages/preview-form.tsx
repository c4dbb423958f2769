import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { ApiFailure, type Failure, writeJson } from '../data/api.ts'
import type { Previewed } from '../model/change-shapes.ts'
import { plural } from '../model/format.ts'
import { Diff } from '../ui/diff.tsx'
import { LevelIcon } from '../ui/icon.tsx'

interface Seen extends Previewed {
  /** What was asked, as text: of another wish it says nothing. */
  readonly of: string
}

interface PreviewFormProps {
  readonly title: string
  /** Of the API; with `?preview=true` it says what would follow. */
  readonly path: string
  /** What is to be written; null while nothing is, or nothing that makes sense. */
  readonly body: object | null
  /** Something was typed in, even if it makes no sense yet. */
  readonly isTouched?: boolean
  readonly onUndo: () => void
  readonly onDone: () => void
  readonly onToken: () => void
  readonly children: ComponentChildren
}

/** Values, then what they would change in Kong, then the writing: nothing is written before it was seen. */
export function PreviewForm(props: PreviewFormProps) {
  const { title, path, body, isTouched = body !== null, onUndo, onDone, onToken, children } = props
  const [last, setLast] = useState<Seen | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isWorking, setIsWorking] = useState(false)
  const wish = JSON.stringify(body)
  const preview = last?.of === wish ? last : null

  const work = async (job: (wanted: object) => Promise<void>) => {
    if (body === null) return
    setIsWorking(true)
    setFailure(null)
    try {
      await job(body)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error.failure)
      announce(error.failure.message)
    } finally {
      setIsWorking(false)
    }
  }
  const look = () =>
    work(async (wanted) => {
      const { changes, total } = await writeJson<Previewed>('POST', `${path}?preview=true`, wanted)
      setLast({ of: wish, changes, total })
      announce(`${plural(total, 'change')} in Kong would follow`)
    })
  const apply = () =>
    work(async (wanted) => {
      await writeJson('POST', path, wanted)
      announce(`${title} is written to Consul`)
      setLast(null)
      onDone()
    })
  return (
    <form
      class="editor"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault()
        if (preview === null) void look()
      }}
    >
      {children}
      {failure !== null && (
        <p class="note note-bad" role="alert">
          <LevelIcon level="bad" />
          <span>{failure.message}</span>
          {failure.kind === 'denied' && (
            <button type="button" class="link" onClick={onToken}>
              Set a token
            </button>
          )}
        </p>
      )}
      {preview === null ? (
        <div class="actions">
          <button type="submit" class={body === null ? '' : 'primary'} disabled={body === null || isWorking}>
            Preview
          </button>
          {isTouched && (
            <button type="button" onClick={onUndo}>
              Undo
            </button>
          )}
        </div>
      ) : (
        <div class="preview">
          <h3>
            {preview.total === 0 ? 'Nothing in Kong changes' : `${plural(preview.total, 'change')} in Kong`}
          </h3>
          {preview.total === 0 && (
            <p class="muted">
              The value is stored in Consul; Kong holds the same as before, or the operator alone uses it.
            </p>
          )}
          <Diff entities={preview.changes} />
          {preview.total > preview.changes.length && (
            <p class="muted">and {preview.total - preview.changes.length} more</p>
          )}
          <div class="actions">
            <button type="button" class="primary" disabled={isWorking} onClick={() => void apply()}>
              Apply
            </button>
            <button type="button" onClick={() => setLast(null)}>
              Back
            </button>
          </div>
        </div>
      )}
    </form>
  )
}
