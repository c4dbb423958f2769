import type { Command } from 'commander'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'
import { pairsOf } from '../pairs.ts'

interface Options {
  readonly output?: string
  readonly tag: readonly string[]
  readonly meta: readonly string[]
  readonly weight?: string
  readonly http?: string
  readonly tcp?: boolean
  readonly grpc?: boolean
  readonly ttl?: string
}

const HELP = `
Without --http, --tcp, --grpc or --ttl Consul asks GET /health every 10 s. What is registered with --ttl has to be renewed
by heartbeats of the service itself.

Exit codes:
  0  registered
  1  an error

Examples:
  kongsul register web 8080
  kongsul register web 10.0.0.5:8080 --http /up --tag blue --meta zone=a`

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]

/** `kongsul register SERVICE`. */
export function defineRegister(command: Command): void {
  command.description('Registers an instance of a service in Consul, through the operator.')
  command.addHelpText('after', HELP)
  command
    .argument('<service>')
    .argument('<address:port>', 'where it listens; a port alone is one of this machine')
  command
    .option('--tag <tag>', 'a tag; may be given again', collect, [])
    .option('--meta <key=value>', 'metadata; may be given again', collect, [])
    .option('--weight <weight>', '0 to 65535')
    .option('--http <path>', 'Consul asks this path')
    .option('--tcp', 'Consul connects')
    .option('--grpc', 'Consul asks for gRPC health')
    .option('--ttl <duration>', 'heartbeats come at least this often')
  command.action(async (service: string, place: string, options: Options) => {
    const { config, io } = begin(options)
    const { http, tcp, grpc, ttl } = options
    const check = {
      ...(http ? { http } : {}),
      ...(tcp ? { tcp } : {}),
      ...(grpc ? { grpc } : {}),
      ...(ttl ? { ttl } : {}),
    }
    const body = {
      service_name: service,
      ...placeOf(place),
      tags: options.tag,
      metadata: pairsOf(options.meta, '='),
      ...(options.weight === undefined ? {} : { weight: Number(options.weight) }),
      ...(Object.keys(check).length === 0 ? {} : { health_check: check }),
    }
    const done = await callOperator<{ service_id: string; message: string }>(
      config,
      'POST',
      '/register',
      body,
    )
    if (done === null) throw operatorDown(config, `registering ${service}`)
    if (io.format === 'json') io.json(done)
    else io.print(`${done.service_id}: ${done.message}.`)
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

/** `10.0.0.5:8080`, `[::1]:8080` or `8080`; what is wrong with it the operator says. */
function placeOf(text: string): { readonly address: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { address: at < 0 ? '127.0.0.1' : text.slice(0, at), port: Number(text.slice(at + 1)) }
}
