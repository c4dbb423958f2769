/** Text, or a number, which is set to the right. */
export type Column = string | { readonly number: string }

/** The head of a table that is not sorted by its columns. */
export function TableHead({ columns }: { readonly columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map((column) =>
          typeof column === 'string' ? (
            <th scope="col" key={column}>
              {column}
            </th>
          ) : (
            <th scope="col" class="num" key={column.number}>
              {column.number}
            </th>
          ),
        )}
      </tr>
    </thead>
  )
}
