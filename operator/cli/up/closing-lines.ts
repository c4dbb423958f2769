export interface Addresses {
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly apiUrl: string
  readonly consulUrl: string
  readonly hostSuffix: string
  /** Put before the sample services' names. */
  readonly prefix: string
  /** Port of the instance of the `api` that the breaker is shown with; it stays when the instance is started again. */
  readonly failingPort: number
}

/**
 * The last lines of `up`: four commands to paste and the addresses. They work in bash and zsh, and with BSD tools.
 * `[x]` in the pattern keeps it from matching the shell that runs it.
 */
export function closingLines({
  proxyUrl,
  adminUrl,
  apiUrl,
  consulUrl,
  hostSuffix,
  prefix,
  failingPort,
}: Addresses): string[] {
  const api = `${prefix}api`
  const pattern = `[-]-id ${api}-2 .*${proxyUrl}$`
  const request = `curl -s -o /dev/null -w '%{http_code}\\n' -H 'Host: ${api}.${hostSuffix}' ${proxyUrl}/`
  const burst = (before: string) => `for i in $(seq 100); do ${before}${request}; done | sort | uniq -c`
  return [
    ...elsewhere({ apiUrl, consulUrl, adminUrl, proxyUrl }),
    'A request through three services; 100 requests while an instance is killed; 100 while another answers 500 for a',
    'minute, although its health check passes; a strategy switched in Consul:',
    `  curl -H 'Host: ${prefix}web.${hostSuffix}' ${proxyUrl}/`,
    `  ${burst(`[ $i = 30 ] && pkill -9 -f '${pattern}'; `)}`,
    `  curl -s -X POST http://127.0.0.1:${failingPort}/fail; ${burst('')}`,
    `  curl -X PUT ${consulUrl}/v1/kv/mesh/services/${api} -d '{"loadBalancing": {"strategy": "least_connections"}}'`,
    `proxy ${proxyUrl} | Admin API ${adminUrl} | operator ${apiUrl} | Consul ${consulUrl}/ui/ | Ctrl-C stops all`,
  ]
}

const USUAL = {
  apiUrl: ['KONGSUL_ADDR', 8080],
  consulUrl: ['CONSUL_HTTP_ADDR', 8500],
  adminUrl: ['KONG_ADMIN_URL', 8001],
  proxyUrl: ['KONG_PROXY_URL', 8000],
} as const

/** `kongsul` in another terminal looks at the usual ports: what it needs to know where others are used. */
function elsewhere(urls: Readonly<Record<keyof typeof USUAL, string>>): string[] {
  const settings = (Object.keys(USUAL) as (keyof typeof USUAL)[])
    .filter((name) => urls[name] !== `http://127.0.0.1:${USUAL[name][1]}`)
    .map((name) => `${USUAL[name][0]}=${urls[name]}`)
  return settings.length === 0 ? [] : [`For kongsul in another terminal: export ${settings.join(' ')}`]
}
