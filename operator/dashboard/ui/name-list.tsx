import { useMemo, useRef } from 'preact/hooks'

/** More than anybody scrolls through; what is typed finds the others. */
const MOST = 500

/** What an input with `list={id}` proposes. The same names are not drawn anew with every reading. */
export function NameList({ id, names }: { readonly id: string; readonly names: readonly string[] }) {
  const list = useSame(names)
  return useMemo(
    () => (
      <datalist id={id}>
        {list.slice(0, MOST).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    ),
    [id, list],
  )
}

/** The list of before while the new one says the same. */
function useSame(list: readonly string[]): readonly string[] {
  const kept = useRef(list)
  const isSame =
    list.length === kept.current.length && list.every((each, index) => each === kept.current[index])
  if (!isSame) kept.current = list
  return kept.current
}
