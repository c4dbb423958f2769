import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where downloads are kept between runs: ${XDG_CACHE_HOME:-~/.cache}/kongsul. */
export const cacheDir = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kongsul')
