import { randomBytes } from 'node:crypto'

/**
 * The token in every line of the feed, and the key of the seal on the mesh's headers: `configured` where Kong and the
 * plugins are started apart (KONGSUL_FEED_LINE_TOKEN), else one for this run.
 */
export function feedToken(configured: string | undefined): string {
  return configured === undefined || configured === '' ? randomBytes(24).toString('base64url') : configured
}
