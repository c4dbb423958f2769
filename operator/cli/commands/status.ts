import type { Command } from 'commander'
export function defineStatus(command: Command): void {
  command.description('soon')
}
