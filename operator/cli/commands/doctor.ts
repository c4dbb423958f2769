import type { Command } from 'commander'
export function defineDoctor(command: Command): void {
  command.description('soon')
}
