import { Fragment } from 'preact'

/** `circuitBreaker.backoff.maxSeconds`, broken at its dots and nowhere else where there is no room for it. */
export function FieldPath({ path }: { readonly path: string }) {
  const [first = '', ...rest] = path.split('.')
  return (
    <code class="path">
      {first}
      {rest.map((part, at) => (
        <Fragment key={at}>
          <wbr />.{part}
        </Fragment>
      ))}
    </code>
  )
}
