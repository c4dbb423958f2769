import type { Command } from 'commander'
export function defineOperator(command: Command): void {
  command.description('soon')
}
