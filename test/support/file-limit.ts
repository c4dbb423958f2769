// `ulimit -n` of a process that runs, by util-linux' prlimit.
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

function limitFiles(pid: number, most: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`])
}
