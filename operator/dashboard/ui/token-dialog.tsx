import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { token } from '../data/api.ts'
import { Dialog } from './dialog.tsx'

export function TokenDialog({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const use = (value: string) => {
    token.set(value)
    announce(value === '' ? 'The token is forgotten' : 'The token is set')
    onClose()
  }
  return (
    <Dialog title="Token" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '') use(text.trim())
        }}
      >
        <p>
          Where the operator listens on other than loopback it asks for a bearer token; writing needs one that
          may write. It is kept in the memory of this tab and gone when the tab is closed or loaded again.
        </p>
        <label class="field">
          <span>Bearer token</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="actions">
          <button type="submit" class="primary" disabled={text.trim() === ''}>
            Use it
          </button>
          {token.get() !== '' && (
            <button type="button" onClick={() => use('')}>
              Forget the one that is set
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}
