/** The head of a column that rows can be sorted by. */
export function SortHead({
  label,
  title,
  isSorted,
  isNumber = false,
  isUp = false,
  onSort,
}: {
  readonly label: string
  readonly title?: string
  readonly isSorted: boolean
  readonly isNumber?: boolean
  readonly isUp?: boolean
  readonly onSort: () => void
}) {
  return (
    <th
      scope="col"
      class={isNumber ? 'num' : ''}
      aria-sort={isSorted ? (isUp ? 'ascending' : 'descending') : undefined}
    >
      <button type="button" class="sort" onClick={onSort} title={title}>
        {label}
        <i aria-hidden="true">{isSorted ? (isUp ? '↑' : '↓') : ''}</i>
      </button>
    </th>
  )
}
