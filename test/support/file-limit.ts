// `ulimit -n` and `ulimit -f` of a process that runs, by util-linux' prlimit.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

/** Why the limit cannot be changed on this machine; null when it can. */
export const whyNoFileLimit = (): string | null =>
  existsSync('/usr/bin/prlimit') && existsSync('/proc/self/fd') ? null : 'needs Linux with prlimit'

/** It can open no file and no connection more until it closes one. */
export function useUpFiles(pid: number): void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let most = 0
  while (open.has(most)) most++
  limitFiles(pid, most)
}

/** It can open none, whatever it closes. */
export const refuseFiles = (pid: number): void => limitFiles(pid, 3)

export const allowFiles = (pid: number): void => limitFiles(pid, 1_024)

/** It can write no byte to a file (EFBIG; a process that does not ignore SIGXFSZ ends). */
export const refuseFileSize = (pid: number): void => limitFileSize(pid, '0')

/** Of a process that is gone there is nothing to allow. */
export function allowFileSize(pid: number): void {
  if (existsSync(`/proc/${pid}`)) limitFileSize(pid, 'unlimited')
}

function limitFileSize(pid: number, most: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${most}:`])
}

function limitFiles(pid: number, most: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`])
}
