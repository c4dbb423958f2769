import type { Command } from 'commander'
import type { ListedService } from '../../api/list-services.ts'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'
import { formatTable } from '../table.ts'

const HELP = `
Exit codes:
  0  done
  1  an error

Examples:
  kongsul services
  kongsul services -o json`

/** `kongsul services`. */
export function defineServices(command: Command): void {
  command.description('Every service of the catalog with counts, and where it is reached.')
  command.addHelpText('after', HELP)
  command.action(async (options: { output?: string }) => {
    const { config, io } = begin(options)
    const answer = await callOperator<{ services: ListedService[] }>(config, 'GET', '/services')
    if (answer === null) throw operatorDown(config, 'listing services')
    if (io.format === 'json') return io.json(answer)
    const columns = [
      { title: 'SERVICE', shrinks: true },
      { title: 'INSTANCES', align: 'right' as const },
      { title: 'HEALTHY', align: 'right' as const },
      { title: 'DEGRADED', align: 'right' as const },
      { title: 'UNHEALTHY', align: 'right' as const },
      { title: 'REACHED AT', shrinks: true },
    ]
    const rows = answer.services.map(
      ({ service_name, total, healthy, degraded, unhealthy, hosts, paths }) => [
        service_name,
        String(total),
        String(healthy),
        String(degraded),
        unhealthy > 0 ? { text: String(unhealthy), paint: io.paint.red } : '0',
        [...hosts, ...paths].join(' ') || '-',
      ],
    )
    for (const line of formatTable(columns, rows, { width: io.width(), heading: io.paint.dim }))
      io.print(line)
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}
