import type { Command } from 'commander'
export function defineDrain(command: Command): void {
  command.description('soon')
}
