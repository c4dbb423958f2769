import type { Command } from 'commander'
export function defineUp(command: Command): void {
  command.description('soon')
}
