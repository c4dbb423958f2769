import { statSync } from 'node:fs'

/** Another text whenever the file is another; also where a link leads to another one, as Kubernetes renews its secrets. */
export function fileMark(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch (error) {
    return (error as Error).message // reading it tells why
  }
}
