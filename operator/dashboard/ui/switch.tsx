/** One of a few ways to show the same. */
export function Switch<T extends string>({
  of,
  value,
  onValue,
}: {
  readonly of: readonly (readonly [value: T, label: string])[]
  readonly value: T
  readonly onValue: (value: T) => void
}) {
  return (
    <fieldset class="switch">
      <legend class="sr-only">Show as</legend>
      {of.map(([each, label]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onValue(each)}>
          {label}
        </button>
      ))}
    </fieldset>
  )
}
