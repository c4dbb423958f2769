/** Where a URL of an application leads: hosts of the mesh are asked through the proxy, all others directly. Pure. */
export interface MeshAddress {
  /** To connect to. */
  readonly url: URL
  /** For the Host header; null for a host that is none of the mesh. */
  readonly host: string | null
  readonly service: string | null
}

export function meshAddress(
  url: URL,
  { proxy, hostSuffix }: { readonly proxy: string; readonly hostSuffix: string },
): MeshAddress {
  const { hostname } = url
  const suffix = `.${hostSuffix}`
  if (url.protocol !== 'http:' || !hostname.endsWith(suffix)) return { url, host: null, service: null }
  const through = new URL(proxy)
  through.pathname = `${through.pathname.replace(/\/$/, '')}${url.pathname}`
  through.search = url.search
  return { url: through, host: hostname, service: hostname.slice(0, -suffix.length) }
}
