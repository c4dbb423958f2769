import type { ComponentChildren } from 'preact'
import { usePlace } from '../data/place.ts'
import { type PageName, to } from '../model/url-state.ts'

export function PageLink({
  page,
  id = '',
  params = {},
  class: className,
  children,
}: {
  readonly page: PageName
  readonly id?: string
  readonly params?: Readonly<Record<string, string>>
  readonly class?: string
  readonly children: ComponentChildren
}) {
  const place = usePlace()
  return (
    <a class={className} href={to(place, page, id, params)}>
      {children}
    </a>
  )
}

export function ServiceLink({ name }: { readonly name: string }) {
  return (
    <PageLink page="service" id={name} class="name">
      {name}
    </PageLink>
  )
}

/** Another system's own page; only http and https are followed. null: there is none, and nothing is shown. */
export function OutLink({
  href,
  children,
}: {
  readonly href: string | null
  readonly children: ComponentChildren
}) {
  if (href === null) return null
  if (!/^https?:\/\//i.test(href)) return <>{children}</>
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  )
}
