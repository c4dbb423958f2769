/** Key of the meta that remembers the TTL check of a registration: Consul's catalog does not tell it to other agents. */
export const CHECK_META = 'kongsul-check'
