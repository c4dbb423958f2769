/**
 * The Admin URLs of `kong.adminUrl`: one, or several separated by commas (nodes of one database, or nodes without a
 * database), without trailing slashes and repetitions, in their order.
 */
export function adminUrls({ adminUrl }: { readonly adminUrl: string }): readonly [string, ...string[]] {
  const urls = adminUrl
    .split(',')
    .map((url) => url.trim().replace(/\/+$/, ''))
    .filter((url) => url !== '')
  const [first = '', ...rest] = new Set(urls)
  return [first, ...rest]
}
