import type { ComponentChildren } from 'preact'

/** What is wider than the screen moves to the side on its own; by keys as well, which needs the focus. */
export function Scroll({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}) {
  return (
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
