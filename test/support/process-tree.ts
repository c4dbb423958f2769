import { execFileSync } from 'node:child_process'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** All processes of this machine. */
export function processes(): RunningProcess[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, command]) => ({ pid: Number(pid), parent: Number(parent), command: command! }))
}

/** Children of a process, their children, and so on. */
export function descendants(pid: number, among = processes()): RunningProcess[] {
  const children = among.filter(({ parent }) => parent === pid)
  return children.flatMap((child) => [child, ...descendants(child.pid, among)])
}
