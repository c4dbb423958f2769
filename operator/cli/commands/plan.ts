import type { Command } from 'commander'
export function definePlan(command: Command): void {
  command.description('soon')
}
