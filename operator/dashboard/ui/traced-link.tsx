import { useNames } from '../data/mesh.ts'
import { PageLink, ServiceLink } from './links.tsx'

/** Who sent a span: its page where it is a service of the mesh, else its traces. The gateway, say, has no page. */
export function TracedLink({ name }: { readonly name: string }) {
  if (useNames().includes(name)) return <ServiceLink name={name} />
  return (
    <PageLink page="traces" params={{ service: name }} class="name">
      {name}
    </PageLink>
  )
}
