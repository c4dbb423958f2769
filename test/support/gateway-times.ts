/**
 * As kong/kong.conf has them: with Kong's default of 5 s a change is served that much later, and an adoption, which lets every node see
 * each of its steps, takes 21 s.
 */
export const GATEWAY_TIMES = {
  KONG_WORKER_STATE_UPDATE_FREQUENCY: '0.1',
  KONG_DB_UPDATE_FREQUENCY: '1',
} as const
