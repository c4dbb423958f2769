import { useEffect, useRef, useState } from 'preact/hooks'
import { mesh } from '../data/mesh.ts'
import { go, usePlace } from '../data/place.ts'
import { findNames } from '../model/service-rows.ts'
import { to } from '../model/url-state.ts'
import { Glyph, LevelIcon } from './icon.tsx'

const MOST = 8
const TRACE_ID = /^[0-9a-f]{32}$/

/** Finds a service by its name, or a trace by its id, from every page. */
export function SearchBox() {
  const place = usePlace()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  const [isOpen, setIsOpen] = useState(false)
  const [chosen, setChosen] = useState(0)
  const rows = mesh.state.get().data?.rows
  const isTrace = TRACE_ID.test(text.trim().toLowerCase())
  const found = isTrace || !isOpen ? [] : findNames(rows?.keys() ?? [], text, MOST)

  useEffect(() => {
    const focus = () => {
      input.current?.focus()
      input.current?.select()
    }
    addEventListener('kongsul-search', focus)
    return () => removeEventListener('kongsul-search', focus)
  }, [])

  const open = (name: string | undefined) => {
    if (isTrace) go(to(place, 'trace', text.trim().toLowerCase()))
    else if (name !== undefined) go(to(place, 'service', name))
    else return
    setText('')
    setIsOpen(false)
    input.current?.blur()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen((at) => Math.min(found.length - 1, at + 1))
    else if (event.key === 'ArrowUp') setChosen((at) => Math.max(0, at - 1))
    else if (event.key === 'Enter') open(found[chosen])
    else if (event.key === 'Escape') {
      setIsOpen(false)
      input.current?.blur()
    } else return
    event.preventDefault()
  }
  return (
    <div class="search">
      <Glyph name="search" />
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Find a service or a trace"
        aria-expanded={found.length > 0}
        aria-controls="search-found"
        aria-autocomplete="list"
        aria-activedescendant={found.length > 0 ? `search-${chosen}` : undefined}
        placeholder="Find a service or trace id"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value)
          setChosen(0)
          setIsOpen(true)
        }}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setTimeout(() => setIsOpen(false), 150)}
        onKeyDown={onKey}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id="search-found" role="listbox" aria-label="Services" hidden={found.length === 0}>
        {found.map((name, index) => (
          <li
            key={name}
            id={`search-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => open(name)}
          >
            <LevelIcon level={rows?.get(name)?.verdict.level ?? 'unknown'} />
            <span class="name">{name}</span>
          </li>
        ))}
      </ul>
      {isOpen && text.trim() !== '' && found.length === 0 && (
        <p class="search-none" role="status">
          {isTrace ? 'Enter opens this trace' : 'No service of this name'}
        </p>
      )}
    </div>
  )
}
