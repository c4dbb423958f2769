// The Kong that the environment names, instead of the dev gateway.

export interface GivenKong {
  readonly adminUrl: string
  readonly proxyUrl: string
  /** Where it speaks TLS; undefined: nowhere. */
  readonly proxyTlsPort: number | undefined
}

/** What a Kong with the mesh's plugins was started with (`kongEnvironment`). */
export interface GivenPlugins {
  readonly folder: string
  readonly feedPort: number
  readonly lineToken: string
}

/**
 * The Kong of KONG_ADMIN_URL and KONG_PROXY_URL for a test that needs the mesh's plugins there, or for one that must not have
 * them, since without a plugin process every request would fail; null where that Kong is of the other kind, or there is none.
 */
export function givenKong({ hasPlugins }: { readonly hasPlugins: boolean }): GivenKong | null {
  const { KONG_ADMIN_URL: adminUrl, KONG_PROXY_URL: proxyUrl, KONG_PROXY_TLS_URL: tlsUrl } = process.env
  if (!adminUrl || !proxyUrl || hasPlugins !== (givenPlugins() !== null)) return null
  return {
    adminUrl,
    proxyUrl,
    proxyTlsPort: tlsUrl === undefined ? undefined : Number(new URL(tlsUrl).port || 443),
  }
}

/** Of the Kong of the environment; null where it has none of the mesh's plugins. */
export function givenPlugins(): GivenPlugins | null {
  const {
    KONG_ADMIN_URL: adminUrl,
    KONG_PLUGIN_SOCKETS: folder,
    KONGSUL_PORT_FEED: feedPort,
    KONGSUL_FEED_LINE_TOKEN: lineToken,
  } = process.env
  return adminUrl && folder && feedPort && lineToken
    ? { folder, feedPort: Number(feedPort), lineToken }
    : null
}
