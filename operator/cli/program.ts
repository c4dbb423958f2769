// The tree of commands. Each loads its own code only when it is the one that runs, so that --help is quick.
// Start at COMMANDS; a command's file says what it does, its options and its exit codes.
import { Command } from 'commander'
import { packageVersion } from './package-root.ts'

interface Entry {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** Not for people: started by other commands. */
  readonly hidden?: boolean
  readonly load: () => Promise<(command: Command) => void>
}

const COMMANDS: readonly Entry[] = [
  {
    name: 'up',
    summary: 'start Consul, the dev gateway, the operator and three sample services here',
    load: async () => (await import('./commands/up.ts')).defineUp,
  },
  {
    name: 'operator',
    summary: 'watch Consul and keep Kong equal to it',
    load: async () => (await import('./commands/operator.ts')).defineOperator,
  },
  {
    name: 'deploy',
    summary: 'deploy the services of a file, and test them by real requests',
    load: async () => (await import('./commands/deploy.ts')).defineDeploy,
  },
  {
    name: 'destroy',
    summary: 'take back what deploy of a file did',
    load: async () => (await import('./commands/deploy.ts')).defineDestroy,
  },
  {
    name: 'gateway',
    summary: 'stand-in for Kong, for laptops and tests',
    load: async () => (await import('./commands/gateway.ts')).defineGateway,
  },
  {
    name: 'plugins',
    summary: 'run the plugins that Kong calls',
    load: async () => (await import('./commands/plugins.ts')).definePlugins,
  },
  {
    name: 'plan',
    alias: 'diff',
    summary: 'show what would change in Kong, change nothing',
    load: async () => (await import('./commands/plan.ts')).definePlan,
  },
  {
    name: 'status',
    summary: 'show services, instances, health and weights',
    load: async () => (await import('./commands/status.ts')).defineStatus,
  },
  {
    name: 'doctor',
    alias: 'check',
    summary: 'look for what is wrong and say how to mend it',
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  {
    name: 'seal',
    summary: 'seal a private key for KV',
    load: async () => (await import('./commands/seal.ts')).defineSeal,
  },
  {
    name: 'drain',
    summary: 'take one instance out without losing a request',
    load: async () => (await import('./commands/drain.ts')).defineDrain,
  },
  {
    name: 'apply',
    summary: 'apply what differs between Consul and Kong, now',
    load: async () => (await import('./commands/apply.ts')).defineApply,
  },
  {
    name: 'explain',
    summary: 'which route takes a request, and where it goes',
    load: async () => (await import('./commands/explain.ts')).defineExplain,
  },
  {
    name: 'adopt',
    summary: 'take over an entity made in Kong by hand',
    load: async () => (await import('./commands/adopt.ts')).defineAdopt,
  },
  {
    name: 'overrides',
    summary: 'fields edited in Kong by hand: list, release, pin',
    load: async () => (await import('./commands/overrides.ts')).defineOverrides,
  },
  {
    name: 'identity',
    summary: 'keys by which calling services are known: issue, rotate, revoke, list',
    load: async () => (await import('./commands/identity.ts')).defineIdentity,
  },
  {
    name: 'circuits',
    summary: 'circuits of services and instances: list, force open or closed',
    load: async () => (await import('./commands/circuits.ts')).defineCircuits,
  },
  {
    name: 'canary',
    summary: 'move requests to a subset step by step, and back when they fail',
    load: async () => (await import('./commands/canary.ts')).defineCanary,
  },
  {
    name: 'services',
    summary: 'every service with counts, and where it is reached',
    load: async () => (await import('./commands/services.ts')).defineServices,
  },
  {
    name: 'register',
    summary: 'register an instance in Consul',
    load: async () => (await import('./commands/register.ts')).defineRegister,
  },
  {
    name: 'call',
    summary: 'one request to a service through the proxy',
    load: async () => (await import('./commands/call.ts')).defineCall,
  },
  {
    name: 'events',
    summary: 'what happens in the mesh, as it happens',
    load: async () => (await import('./commands/events.ts')).defineEvents,
  },
  {
    name: 'top',
    summary: 'rate, errors and latency of every service, worst first',
    load: async () => (await import('./commands/top.ts')).defineTop,
  },
  {
    name: 'tap',
    summary: 'requests to a service and what became of them, as they end',
    load: async () => (await import('./commands/tap.ts')).defineTap,
  },
  {
    name: 'guard',
    summary: 'let happen what is held because too much happened at once',
    load: async () => (await import('./commands/guard.ts')).defineGuard,
  },
  {
    name: 'migrate',
    summary: 'topics of the old Redis API: status, mode, dead letters',
    load: async () => (await import('./commands/migrate.ts')).defineMigrate,
  },
  {
    name: 'traces',
    summary: 'requests through the mesh: search them, show one as a waterfall',
    load: async () => (await import('./commands/traces.ts')).defineTraces,
  },
  {
    name: 'pause',
    summary: 'stop writing to Kong for a while, for one service or all',
    load: async () => (await import('./commands/pause.ts')).definePause,
  },
  {
    name: 'resume',
    summary: 'end a pause',
    load: async () => (await import('./commands/pause.ts')).defineResume,
  },
  {
    name: 'config',
    summary: 'settings of services and of this process: get, set, explain, process',
    load: async () => (await import('./commands/config.ts')).defineConfig,
  },
  {
    name: 'snapshot',
    summary: 'save all that Kong holds, and give it back',
    load: async () => (await import('./commands/snapshot.ts')).defineSnapshot,
  },
  {
    name: 'uninstall',
    summary: 'remove from Kong what kongsul wrote',
    load: async () => (await import('./commands/uninstall.ts')).defineUninstall,
  },
  {
    name: 'simulate',
    summary: 'what the plugins would decide, from a file',
    load: async () => (await import('./simulate.ts')).defineSimulate,
  },
  {
    name: 'completion',
    summary: 'complete commands and options in bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).defineCompletion(() => program(null)),
  },
  {
    name: 'sample-service',
    summary: 'a sample service of up',
    hidden: true,
    load: async () => (await import('./up/sample-service.ts')).defineSampleService,
  },
  {
    name: 'keeper',
    summary: 'cleans up after up',
    hidden: true,
    load: async () => (await import('./up/keeper.ts')).defineKeeper,
  },
]

const HELP = `
Exit codes:
  0  done, or nothing wrong
  1  an error, or doctor found something wrong
  2  there are changes to make: plan, and what asks before it changes something (deploy, destroy, uninstall, snapshot restore)

Examples:
  kongsul up                          a whole mesh on this machine
  kongsul plan                        what would change in Kong
  kongsul status -o json | jq .       the same facts for programs
  kongsul doctor                      what is wrong and how to mend it

Settings come from flags, then the environment, then kongsul.yaml: see kongsul config process.`

/** @param args of the command line, by which one command is defined; null: every one is */
export async function program(args: readonly string[] | null): Promise<Command> {
  const root = new Command('kongsul')
    .description('A service mesh made of Consul and Kong Gateway OSS.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .showSuggestionAfterError()
    .showHelpAfterError('(kongsul --help lists what there is)')
    .addHelpText('after', HELP)
  const words = (args ?? []).filter((arg) => !arg.startsWith('-'))
  const wanted = words[0] === 'help' ? words[1] : words[0]
  for (const { name, alias, summary, hidden, load } of COMMANDS) {
    const command = root.command(name, { hidden: hidden ?? false }).summary(summary)
    command.helpOption('-h, --help', 'print help')
    if (alias) command.alias(alias)
    if (args !== null && wanted !== name && (!alias || wanted !== alias)) continue
    const define = await load()
    define(command)
    nameHelp(command)
    if (TOLD_BY_PARENT.has(name)) for (const each of command.commands) referToParent(each, name)
  }
  return root
}

/** Their help has what all of their subcommands have in common. */
const TOLD_BY_PARENT = new Set(['overrides', 'identity', 'circuits', 'canary', 'guard', 'migrate'])

function referToParent(command: Command, name: string): void {
  command.addHelpText('after', `\nWhat it is about, exit codes and examples: kongsul ${name} --help`)
  for (const each of command.commands) referToParent(each, name)
}

/** Whoever mistypes what a command takes is told of the help of that command. */
function nameHelp(command: Command): void {
  command.showHelpAfterError(`(${path(command)} --help tells what it takes)`)
  for (const each of command.commands) nameHelp(each)
}

function path(command: Command): string {
  return command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`
}
