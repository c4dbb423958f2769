import { useEffect, useRef, useState } from 'preact/hooks'
import { announcement } from './data/announce.ts'
import { tokenNeeded } from './data/api.ts'
import { mesh } from './data/mesh.ts'
import { go, place, usePlace } from './data/place.ts'
import { retryAll } from './data/resource.ts'
import { useStore } from './data/store.ts'
import { type PageName, to } from './model/url-state.ts'
import { ChangesPage } from './pages/changes.tsx'
import { ConfigurationPage } from './pages/configuration.tsx'
import { GraphPage } from './pages/graph.tsx'
import { OverridesPage } from './pages/overrides.tsx'
import { Overview } from './pages/overview.tsx'
import { ServicePage } from './pages/service.tsx'
import { TracePage } from './pages/trace.tsx'
import { TracesPage } from './pages/traces.tsx'
import { Header } from './ui/header.tsx'
import { HelpDialog } from './ui/help-dialog.tsx'
import { LevelIcon } from './ui/icon.tsx'
import { TokenDialog } from './ui/token-dialog.tsx'

const GO_KEYS: Readonly<Record<string, PageName>> = {
  o: 'overview',
  g: 'graph',
  t: 'traces',
  c: 'changes',
  s: 'configuration',
  v: 'overrides',
}
const SEQUENCE_MS = 1_200

export function App() {
  const [dialog, setDialog] = useState<'help' | 'token' | null>(null)
  const { page, id } = usePlace()
  const main = useRef<HTMLElement>(null)
  const news = useStore(announcement)
  const isTokenNeeded = useStore(tokenNeeded)
  // Read on every page: freshness is always shown.
  useEffect(() => mesh.use(), [])
  useKeys(() => setDialog('help'))
  useEffect(() => {
    scrollTo(0, 0)
  }, [page, id])
  const onToken = () => setDialog('token')
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        To the content
      </a>
      <Header onHelp={() => setDialog('help')} onToken={onToken} />
      {isTokenNeeded && (
        <p class="note note-warn note-page" role="alert">
          <LevelIcon level="warn" />
          <span>This operator answers only to those who show a token.</span>
          <button type="button" class="primary" onClick={onToken}>
            Set a token
          </button>
        </p>
      )}
      <main id="main" ref={main} tabIndex={-1}>
        <Page page={page} id={id} onToken={onToken} />
      </main>
      <div class="sr-only" role="status" aria-live="polite">
        <span key={news.times}>{news.text}</span>
      </div>
      {dialog === 'help' && <HelpDialog onClose={() => setDialog(null)} />}
      {dialog === 'token' && <TokenDialog onClose={() => setDialog(null)} />}
    </>
  )
}

interface PageProps {
  readonly page: PageName
  readonly id: string
  readonly onToken: () => void
}

function Page({ page, id, onToken }: PageProps) {
  switch (page) {
    case 'graph':
      return <GraphPage />
    case 'service':
      return <ServicePage key={id} />
    case 'traces':
      return <TracesPage />
    case 'trace':
      return <TracePage key={id} />
    case 'changes':
      return <ChangesPage />
    case 'configuration':
      return <ConfigurationPage onToken={onToken} />
    case 'overrides':
      return <OverridesPage onToken={onToken} />
    default:
      return <Overview />
  }
}

/** `/` finds, `?` helps, `g` and a letter goes, `r` reads again; nothing of it while somebody types. */
function useKeys(onHelp: () => void): void {
  useEffect(() => {
    let goneAt = Number.NEGATIVE_INFINITY
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (document.querySelector('dialog[open]') !== null) return
      const isSecond = event.timeStamp - goneAt < SEQUENCE_MS
      goneAt = Number.NEGATIVE_INFINITY
      const page = isSecond ? GO_KEYS[event.key] : undefined
      if (page !== undefined) go(to(place.get(), page))
      else if (event.key === '/') dispatchEvent(new Event('kongsul-search'))
      else if (event.key === '?') onHelp()
      else if (event.key === 'r') retryAll()
      else if (event.key === 'g') {
        goneAt = event.timeStamp
        return
      } else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select') !== null
