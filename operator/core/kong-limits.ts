/** Kong stores timeouts as 31 bits, in ms, and refuses more of either (kong/db/schema/entities/services.lua). */
export const MOST_TIMEOUT_MS = 2_147_483_646
export const MOST_RETRIES = 32_767
