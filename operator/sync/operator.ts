// Puts the operator together and starts it: watches of Consul -> reconciler -> Kong, the healer of marks, the
// periodic resync and the HTTP server. Everything is handed in; start reading at startOperator.
import { setMaxListeners } from 'node:events'
import cron from 'node-cron'
import { guardOptions } from '../access/guard-options.ts'
import { CatalogWatch } from '../consul/catalog-watch.ts'
import { createConsulReader } from '../consul/consul-reader.ts'
import { createKvWriter } from '../consul/kv-writer.ts'
import { OwnDatacenter } from '../consul/own-datacenter.ts'
import { PolicyWatch } from '../consul/policy-watch.ts'
import { watchSettings } from '../consul/settings-watch.ts'
import { OPERATOR_SERVICE } from '../core/exposure.ts'
import { hostFor } from '../core/names.ts'
import { pluginsSilent } from '../core/plugin-restarts.ts'
import type { KvRows } from '../core/settings-status.ts'
import { withUpstreams } from '../core/upstream-views.ts'
import { dashboardFiles } from '../http/dashboard-files.ts'
import { forwardToLeader } from '../http/forward-to-leader.ts'
import { legacyRoutes } from '../http/legacy-routes.ts'
import { migrationRoutes } from '../http/migration-routes.ts'
import { startServer } from '../http/server.ts'
import { readNode } from '../kong/read-node.ts'
import { type Election, startElection } from '../leader/election.ts'
import { electionIdentity } from '../leader/election-options.ts'
import { startLegacy } from '../legacy/legacy-api.ts'
import { traceSource } from '../metrics/trace-source.ts'
import { parseSealKey } from '../secrets/seal.ts'
import { tlsFetch } from '../secrets/tls-fetch.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { revealed } from '../telemetry/secret.ts'
import { createTraces } from '../traces/start-traces.ts'
import { type ApplyResult, applyEverywhere } from './apply-now.ts'
import { CertificateBook, certificateStatusKey } from './certificate-book.ts'
import type { ChangeQuery, ChangeRecord } from './change-log.ts'
import { commandParts } from './command-parts.ts'
import { followIdentity } from './connect-identity.ts'
import { ConsulDoubts } from './consul-doubts.ts'
import { EjectionBook } from './ejection-book.ts'
import { ExternalBook } from './external-book.ts'
import { FaultBook } from './fault-book.ts'
import { type FirstSync, firstSyncOf } from './first-sync.ts'
import { FormatBook } from './format-book.ts'
import { GuardBook } from './guard-book.ts'
import { IdentityBook } from './identity-book.ts'
import { KongFleet } from './kong-fleet.ts'
import { createMeshApi, type MeshApi } from './mesh-api.ts'
import { MeshFeed } from './mesh-feed.ts'
import { MeshTelemetry } from './mesh-telemetry.ts'
import type { OperatorConfig } from './operator-config.ts'
import {
  notReadyReasons,
  type OperatorStatus,
  operatorStatus,
  type StatusSources,
} from './operator-status.ts'
import { PauseBook } from './pause-book.ts'
import { createPluginApi, type PluginApi } from './plugin-api.ts'
import { PluginPresence } from './plugin-presence.ts'
import { serviceTls } from './probe-request.ts'
import { SealedKeys } from './sealed-keys.ts'
import { sharedRedisOf } from './shared-redis.ts'
import { type Canaries, startCanaries } from './start-canaries.ts'
import { StatusKeeper } from './status-keeper.ts'

export interface Operator {
  /** Where its HTTP API listens. */
  readonly url: string
  status(): OperatorStatus
  /** How far the first sync is; null before it begins and once it is over. */
  firstSync(): FirstSync | null
  /** Reads Kong and Consul again and applies what differs: what the cron expression does. */
  resync(): Promise<void>
  /** Applies one service, or all (null), now. */
  apply(service: string | null): Promise<ApplyResult>
  /** Ends what is held of a service; does nothing where nothing is. @param by who says so */
  release(service: string, by: string): Promise<void>
  /** What was done so far, newest first. */
  changes(query: ChangeQuery): readonly ChangeRecord[]
  /** Finishes the calls in flight and closes everything; takes less than a second, and as long as saving traces takes. */
  stop(): Promise<void>
}

export interface OperatorOptions {
  readonly log: Logger
  /** Shown in the status and in `mesh_build_info`. */
  readonly version?: string
  /** Folder of the built dashboard; none is served without it. */
  readonly dashboard?: string
  /** Nothing of other services is written; null or absent: all are. */
  readonly only?: ReadonlySet<string> | null
  /** It ends in a moment: what Consul says of it as a service is not written to Kong. */
  readonly isBrief?: boolean
}

const STOP_LIMIT_MS = 900

/**
 * Starts the operator; returns as soon as its HTTP API listens. Neither Consul nor Kong has to be there yet.
 * @throws when the port of the API is taken or the cron expression makes no sense.
 */
export async function startOperator(
  config: OperatorConfig,
  { log, version = '0.1.0', only = null, isBrief = false, dashboard }: OperatorOptions,
): Promise<Operator> {
  if (!cron.validate(config.resync.cron)) {
    throw new Error(`resync.cron: ${JSON.stringify(config.resync.cron)} is no cron expression`)
  }
  const stopping = new AbortController()
  const { signal } = stopping
  // Reads in flight and marks that are tried again listen to it: their number grows with the mesh and is no leak.
  setMaxListeners(0, signal)
  const metrics = createMetrics(version)
  const reader = createConsulReader(config.consul, metrics)
  let election: Election | null = null
  const isLeading = () => election?.isLeader() ?? false
  const mayAct = () => isLeading() && !signal.aborted && format.refusal === null
  const refusal = () => {
    if (config.dryRun) return null
    return format.refusal ?? (isLeading() ? null : 'this operator is not the leader')
  }
  const writer = createKvWriter(config.consul, metrics)
  const format: FormatBook = new FormatBook({
    ...{ writer, log, version },
    isActive: mayAct,
    onChange: () => void fleet.leadershipChanged(refusal() === null),
  })
  const statuses = new StatusKeeper({ writer, log, isActive: mayAct })
  const redisOfKong = sharedRedisOf(config.redis)
  let redisInKong = redisOfKong()
  const fleet = new KongFleet({
    kong: config.kong,
    log,
    metrics,
    mesh: {
      mesh: config.mesh,
      hostSuffix: config.hostSuffix,
      outcomes: config.outcomes,
      get redis() {
        return redisOfKong()
      },
      ...(config.expose === undefined ? {} : { exposeDefault: config.expose }),
    },
    policy: config.overrides.policy,
    dryRun: config.dryRun,
    signal,
    refusal,
    onRefused: (refused) => statuses.setRefused(refused),
    onHolds: () => guard.review(),
    onDecided: () => {
      feed.changed()
      meshApi.poke()
    },
    callers: () => identities.callers,
    ejection: (upstream, target) => ejections.get(upstream, target),
    ejections: () => ejections.list(),
    arePluginsAway: () => presence.isAway,
    meshProblems: () => {
      const silent = presence.silent()
      return [
        ...(silent === null ? [] : [pluginsSilent(silent.nodes, silent.since)]),
        ...pluginApi.problems(),
        ...canaries.problems(),
        ...faults.problems(Date.now()),
        ...external.problems(),
        ...certificates.problems(),
      ]
    },
    isPaused: (service) =>
      pauses.pauseFor(service) !== null ||
      !(only?.has(service) ?? true) ||
      (isBrief && service === OPERATOR_SERVICE) ||
      external.isUnknown(service),
  })
  const connectService = config.certificates?.connectService
  const certificateStatuses = new StatusKeeper({
    ...{ writer, log },
    isActive: mayAct,
    keyOf: certificateStatusKey,
  })
  const certificates: CertificateBook = new CertificateBook({
    folder: config.certificates?.folder,
    keyFile: config.certificates?.sealKeyFile,
    hasIdentity: connectService !== undefined,
    onChange: (read) => fleet.setCertificates(read),
    onRefused: (refused) => certificateStatuses.setRefused(refused),
  })
  const presence: PluginPresence = new PluginPresence({ onChange: () => fleet.reviewPlugins() })
  const reconciler = fleet.primary
  const { admin } = reconciler.kong
  const pauses: PauseBook = new PauseBook({
    writer,
    log,
    metrics,
    isActive: () => !config.dryRun && !signal.aborted,
    onChange: (services) => fleet.reviewPauses(services),
  })
  const sealKey = revealed(config.sealKey)
  const sealed: SealedKeys = new SealedKeys({
    reader,
    sealKey: sealKey === undefined ? null : parseSealKey(sealKey),
    signal,
    onChange: () => identities.keysChanged(),
  })
  const identities: IdentityBook = new IdentityBook({
    writer,
    sealed,
    log,
    isActive: mayAct,
    graceMs: (service) => reconciler.facts.graceMs(service),
    hasKey: (service, kid) => fleet.all.every((each) => each.facts.holdsKey(service, kid)),
    onChange: () => fleet.callersChanged(),
  })
  const ejections: EjectionBook = new EjectionBook({
    writer,
    log,
    isActive: mayAct,
    isShared: () => !reconciler.kong.isDbless,
    graceMs: (upstream) => reconciler.facts.ejectionGraceMs(reconciler.facts.serviceOfUpstream(upstream)),
    onChange: (upstreams) => {
      fleet.ejectionsChanged(upstreams)
      feed.changed()
    },
  })
  const guard: GuardBook = new GuardBook({
    writer,
    log,
    mesh: config.mesh,
    isActive: mayAct,
    holds: () => (reconciler.hasDecided ? reconciler.holds : null),
    release: (service, why) => fleet.releaseHolds(service, why),
  })

  const feed: MeshFeed = new MeshFeed(
    () => withUpstreams(reconciler.facts.viewed(Date.now()), ejections.list()),
    Date.now(),
  )
  const faults: FaultBook = new FaultBook({
    ...{ reader, writer, log },
    isActive: mayAct,
    faultsOf: (service) => reconciler.facts.faultsOf(service),
    onChange: () => {
      feed.changed()
      meshApi.poke()
    },
  })
  const pluginApi: PluginApi = createPluginApi({
    ...{ reader, writer, reconciler, ejections, presence, feed, signal },
    token: config.feedToken,
    onTold: () => meshApi.poke(),
    onOutcome: (outcome) => {
      metrics.outcomes.inc({ result: outcome === null ? 'dropped' : 'counted' })
      if (outcome === null) return
      fleet.noteOutcome(outcome)
      meshApi.noteOutcome(outcome)
      canaries.noteOutcome(outcome)
      telemetry.noteOutcome(outcome)
    },
  })

  const legacy = startLegacy({
    redis: config.redis,
    proxyUrl: config.proxyUrl,
    proxyTls: config.proxyTls,
    hostOf: (service) => hostFor(reconciler.desired.services, service, config.hostSuffix),
    knows: (service) => reconciler.knows(service),
    ...{ reader, writer, metrics, log },
    operatorId: () => electionIdentity(config, server.url).operatorId,
    mayCall: !config.dryRun,
    isActive: mayAct,
  })

  const doubts = new ConsulDoubts(log, metrics)
  const external: ExternalBook = new ExternalBook({
    ...{ writer, log },
    isActive: mayAct,
    tlsOf: (service) => serviceTls(reconciler.facts.tlsOf(service), certificates),
    onChange: (change) => fleet.setSnapshot(change),
    onKnown: (service) => fleet.reviewPauses([service]),
  })
  const policies = new PolicyWatch({
    reader,
    signal,
    onChange: (change) => external.setCatalog(change),
    onUnread: (unread) => fleet.setUnread(unread),
    gated: () => fleet.gatedServices(),
    onDoubt: (kind, { code, message }) =>
      log.warn('entries cannot be read: the last ones stay', { kind, code, reason: message }),
  })
  const catalog = new CatalogWatch({
    reader,
    log,
    signal,
    onChange: (change) => policies.setCatalog(change),
    onDoubt: (doubt) => doubts.note('catalog', doubt),
    onUnread: (unread) => policies.setUnread(unread),
    held: () => fleet.heldServices(),
  })

  const datacenter = new OwnDatacenter(reader, config.consul.datacenter)
  const sources: Pick<StatusSources, 'config' | 'version' | 'startedAtMs' | 'fleet' | 'pauses'> = {
    config,
    version,
    startedAtMs: Date.now(),
    fleet,
    pauses,
  }
  let kongNode: StatusSources['kongNode'] = { version: null, updateFrequency: null }
  const now = (): StatusSources => ({
    ...sources,
    isLeading: isLeading(),
    formatRefusal: format.refusal,
    isStandby: election?.isStandby() ?? false,
    leader: election?.leader() ?? null,
    electionTrouble: election?.trouble() ?? null,
    kongNode,
    consulDoubt: doubts.text(),
    datacenter: datacenter.name,
  })
  const status = () => operatorStatus(now())
  const traces = createTraces(config.traces ?? {}, { log, metrics })
  await traces.start()
  const meshApi: MeshApi = createMeshApi({
    config,
    reader,
    writer,
    metrics,
    fleet,
    status,
    circuits: pluginApi.circuits,
    consulDoubt: () => now().consulDoubt,
    dependencies: () => telemetry.dependencies(traces.queries.callees()),
  })
  const telemetry: MeshTelemetry = new MeshTelemetry({
    ...{ config, writer, metrics, log, fleet },
    circuits: pluginApi.circuits,
    events: meshApi.events,
    consulDoubt: () => now().consulDoubt,
    connections: meshApi.connections,
    apiUrl: () => server.url,
    isLeading: mayAct,
    traces: traceSource(traces.queries),
  })
  const canaries: Canaries = startCanaries({
    ...{ consul: config.consul, reader, writer, metrics, log, fleet },
    events: () => meshApi.events,
    ejections: () => ejections.list(),
    isPaused: (service) => pauses.pauseFor(service) !== null,
    consulDoubt: () => now().consulDoubt,
    isActive: mayAct,
  })
  const server = await startServer({
    host: config.api.host,
    port: config.api.port,
    version,
    guard: guardOptions(config.api, log, config.feedToken),
    metrics,
    status,
    notReady: () => notReadyReasons(now()),
    healthHeaders: (headers) => election?.healthHeaders(headers) ?? {},
    ready: meshApi.ready,
    parts: [
      ...(dashboard === undefined ? [] : [dashboardFiles(dashboard)]),
      ...meshApi.parts,
      ...traces.parts,
      ...telemetry.parts,
      forwardToLeader({
        isLeading: () => config.dryRun || isLeading(),
        leader: () => (election?.isStandby() === true ? election.leader() : null),
        fetch: tlsFetch(config.operatorsTls, 'operators'),
      }),
      ...commandParts({
        ...{ fleet, guard, pauses, identities, signal },
        ejection: (upstream, target) => ejections.get(upstream, target),
        mesh: config.mesh,
        notReady: () => notReadyReasons(now()),
      }),
      ...canaries.parts,
      ...pluginApi.parts,
      legacyRoutes(legacy),
      migrationRoutes(legacy),
    ],
  })

  if (!config.dryRun) {
    election = startElection({
      consul: config.consul,
      mesh: config.mesh,
      ...electionIdentity(config, server.url),
      version,
      log,
      hooks: {
        leading: (leading) => metrics.leader.set(leading ? 1 : 0),
        request: (endpoint) => metrics.consulRequests.inc({ endpoint }),
        error: (endpoint) => metrics.consulErrors.inc({ endpoint }),
      },
    })
    election.onChange(() => {
      void fleet.leadershipChanged(refusal() === null)
      format.review()
      guard.review()
      ejections.review()
    })
  }

  legacy.start()
  let rows: KvRows = new Map()
  const loops = Promise.all([
    catalog.run(),
    policies.run(),
    watchSettings({
      reader,
      log,
      signal,
      onRows: (read) => {
        rows = read
        format.setRows(read)
        external.setRows(read)
        statuses.setRows(read)
        certificateStatuses.setRows(read)
        pauses.setRows(read)
        guard.setRows(read)
        ejections.setRows(read)
        identities.setRows(read)
        legacy.setRows(read)
        telemetry.setRows(read)
        canaries.setRows(read)
      },
      onDocuments: (documents, changedAtMs) => {
        external.setDocuments(documents)
        // First: what is not known is not decided about.
        certificates.setDocuments(documents)
        fleet.setDocuments(documents, changedAtMs, rows)
        faults.setDocuments(documents)
      },
      onDoubt: (doubt) => doubts.note('settings', doubt),
    }),
    fleet.run(),
    connectService === undefined
      ? null
      : followIdentity({
          ...{ reader, log, signal },
          service: connectService,
          onLeaf: (leaf) => certificates.setIdentity(leaf),
        }),
    readNode(admin, signal).then((node) => {
      kongNode = node
      const seconds = node.updateFrequency
      if (seconds === null || seconds <= 1 || node.isDbless) return
      const hint = 'set worker_state_update_frequency=0.1 (KONG_WORKER_STATE_UPDATE_FREQUENCY) on Kong'
      log.warn('new routes take seconds to be live', { code: 'KONG_SLOW_ROUTES', seconds, hint })
    }),
  ]).catch((error: unknown) => {
    // Each loop handles its own failures: whatever arrives here is a bug and must not go unseen.
    log.error('a loop of the operator ended', { reason: String((error as Error).stack ?? error) })
  })

  const resync = async () => {
    catalog.verify()
    policies.verify()
    statuses.review()
    certificateStatuses.review()
    certificates.review()
    guard.review()
    ejections.review()
    legacy.review()
    telemetry.review()
    canaries.review()
    external.review()
    if (redisInKong !== redisOfKong()) {
      redisInKong = redisOfKong()
      fleet.redisChanged()
    }
    await fleet.resync()
  }
  const schedule = cron.schedule(config.resync.cron, resync, { noOverlap: true, name: 'resync' })

  return {
    url: server.url,
    status,
    firstSync: () => firstSyncOf(fleet.all),
    resync,
    apply: (service) => applyEverywhere(fleet.all, service, signal),
    release: async (service, by) => {
      if (!reconciler.hasDecided || !reconciler.holds.some((hold) => hold.service === service)) return
      await guard.accept(service, by)
    },
    changes: (query) => fleet.changes.list(query).changes,
    stop: async () => {
      await schedule.destroy()
      stopping.abort()
      pauses.stop()
      ejections.stop()
      identities.stop()
      presence.stop()
      certificates.stop()
      const limit = new Promise<void>((done) => setTimeout(done, STOP_LIMIT_MS).unref())
      await Promise.race([Promise.all([fleet.stop(), legacy.stop()]), limit])
      await Promise.race([Promise.all([election?.stop(), loops]), limit])
      await Promise.race([server.close(), limit])
      // After the last request: what came with it is saved too.
      await traces.stop()
      reader.close()
      writer.close()
      meshApi.close()
      telemetry.stop()
      canaries.stop()
      faults.stop()
      external.stop()
      fleet.close()
    },
  }
}
