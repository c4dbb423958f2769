import type { Command } from 'commander'
export function defineGateway(command: Command): void {
  command.description('soon')
}
