import { type Command, InvalidArgumentError, Option } from 'commander'
import { addConfigOptions, commandConfig, DECIDING } from '../config-options.ts'
import type { Target } from '../deploy/run-deploy.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

interface Options {
  readonly target: Target
  readonly yes?: boolean
  readonly timeout: number
  readonly volumes?: boolean
  readonly output?: string
}

const FILE_HELP = `
FILE is YAML or JSON. services has what POST /register takes; settings, which may be left out, what KV mesh/services/NAME takes:

  services:
    - service_name: web
      address: 10.0.0.5
      port: 8080
      health_check: { http: /health }      # without one Consul asks GET /health every 10 s
    - service_name: web
      address: 10.0.0.6
      port: 8080
  settings:
    web:
      loadBalancing: { strategy: least_connections }
`

const DEPLOY_HELP = `${FILE_HELP}
It verifies what is needed (Node, Consul, Kong, their versions, Kong's plugins), with --target compose starts docker-compose.yml
part by part, registers, waits until Kong follows, asks every host and path through the proxy, and tells where things are.
The operator that leads writes to Kong; where none does, this command does so once.

Before anything is written it shows every host and path that becomes reachable or changes its owner, and asks. Where nobody can be
asked it changes nothing without --yes. What is there already is left alone, so that a second run changes nothing.

Exit codes:
  0  deployed, or all of it was there already
  1  an error: it says what was done so far and how to take it back
  2  there is something to do, and it was not agreed to: nothing was changed

Examples:
  kongsul deploy mesh.yaml
  kongsul deploy mesh.yaml --yes -o json
  kongsul deploy mesh.yaml --target compose
  CONSUL_HTTP_ADDR=consul:8500 KONG_ADMIN_URL=http://kong:8001 KONG_PROXY_URL=http://kong:8000 kongsul deploy mesh.yaml`

const DESTROY_HELP = `
Takes out of Consul what kongsul deploy of this file registered and wrote, and waits until Kong has let go of it. Instances that
somebody else has registered anew since, and settings that are not what the file says, stay. With --target compose the containers
are stopped and removed as well. It says what it takes back, and asks.

Exit codes:
  0  taken back, or nothing of it was there
  1  an error: it says what was done so far
  2  there is something to take back, and it was not agreed to: nothing was changed

Examples:
  kongsul destroy mesh.yaml
  kongsul destroy mesh.yaml --yes
  kongsul destroy mesh.yaml --target compose --volumes`

/** `kongsul deploy FILE`. */
export function defineDeploy(command: Command): void {
  command
    .description('Deploys the services of a file into Consul and Kong, and tests them by real requests.')
    .addHelpText('after', DEPLOY_HELP)
  common(command).action(async (file: string, { target, yes = false, timeout, ...options }: Options) => {
    const io = ioOf(options)
    const config = commandConfig({ ...options })
    const { runDeploy } = await import('../deploy/run-deploy.ts')
    const result = await runDeploy(file, config, { target, yes, timeoutMs: timeout * 1000 }, io)
    if (io.format === 'json') io.json(result)
    if (!result.deployed) process.exitCode = 2
  })
}

/** `kongsul destroy FILE`. */
export function defineDestroy(command: Command): void {
  command
    .description('Takes back what kongsul deploy of a file did.')
    .option('--volumes', 'with --target compose: remove its data as well')
    .addHelpText('after', DESTROY_HELP)
  common(command).action(
    async (file: string, { target, yes = false, timeout, volumes = false, ...options }: Options) => {
      const io = ioOf(options)
      const config = commandConfig({ ...options })
      const { runDestroy } = await import('../deploy/run-destroy.ts')
      const result = await runDestroy(file, config, { target, yes, volumes, timeoutMs: timeout * 1000 }, io)
      if (io.format === 'json') io.json(result)
      if (!result.destroyed) process.exitCode = 2
    },
  )
}

function common(command: Command): Command {
  command
    .argument('<file>', 'YAML or JSON: services, settings')
    .addOption(
      new Option('--target <target>', 'existing: Consul and Kong by URL; compose: docker-compose.yml')
        .choices(['existing', 'compose'])
        .default('existing'),
    )
    .option('--yes', 'do not ask')
    .option('--timeout <seconds>', 'how long Kong, and then each service, may take', seconds, 60)
  addOutputOption(command)
  return addConfigOptions(command, DECIDING)
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= 3600) return value
  throw new InvalidArgumentError('Give seconds, 1 to 3600.')
}
