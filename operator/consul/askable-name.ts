/**
 * Whether `/v1/health/service/<name>` can be asked for this name, however it is escaped. Consul takes any name at
 * registration, but its HTTP server decodes the path before it looks at it: what path.Clean would change is answered
 * with a redirect (Go, net/http ServeMux), what is not printable with 400 (go-cleanhttp, PrintablePathCheckHandler).
 */
export function isAskable(service: string): boolean {
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(service)) return false
  const segments = service.replace(/\/$/, '').split('/')
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
}
