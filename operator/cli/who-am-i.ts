import { hostname, userInfo } from 'node:os'

/** `name@host`, as it is shown beside what a person did. */
export function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    return hostname() // a user id without a name, as in containers
  }
}
