import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Files of this name in the folders of `path` that may be run, in its order. */
export function onPath(name: string, path = ''): string[] {
  return path
    .split(delimiter)
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name))
    .filter((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false // not there, or not ours to run: the next folder may have it
      }
    })
}
