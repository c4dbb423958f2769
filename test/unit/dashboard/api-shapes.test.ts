// The page reads a part of what the operator answers. What it expects otherwise does not compile here; what the stand-in of the
// browser's tests answers otherwise fails here.
import { doesNotThrow } from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { configurationShape } from '../../../operator/api/explain-settings.ts'
import type { servicesShape } from '../../../operator/api/list-services.ts'
import type { Topology } from '../../../operator/api/topology.ts'
import type * as mesh from '../../../operator/dashboard/model/api-shapes.ts'
import type * as changes from '../../../operator/dashboard/model/change-shapes.ts'
import type * as traces from '../../../operator/dashboard/model/trace-shapes.ts'
import {
  type Dashboard,
  dashboardShape,
  type ServiceNumbers,
} from '../../../operator/http/dashboard-route.ts'
import { splitsShape } from '../../../operator/http/split-routes.ts'
import { type CanaryView, canaryShape } from '../../../operator/sync/canary-view.ts'
import type { ChangeRecord } from '../../../operator/sync/change-log.ts'
import type { CircuitRow } from '../../../operator/sync/list-circuits.ts'
import type { ListedChanges } from '../../../operator/sync/listed-changes.ts'
import type { OperatorStatus } from '../../../operator/sync/operator-status.ts'
import type { Bottlenecks } from '../../../operator/traces/bottlenecks.ts'
import type { ServiceLatency } from '../../../operator/traces/latency-views.ts'
import { summaryShape, type TraceSummary } from '../../../operator/traces/summarize.ts'
import type { FoundTraces } from '../../../operator/traces/trace-queries.ts'
import { type TraceView, traceShape } from '../../../operator/traces/trace-view.ts'
import {
  canariesOf,
  configurationOf,
  meshAnswers,
  nameOf,
  splitsOf,
  traceOf,
  tracesOf,
} from '../../support/dashboard-data.ts'

type Reads<Expected, Told extends Expected> = [Expected, Told]

/** What the page expects, and what is told. */
export type Contract = [
  Reads<mesh.Dashboard, Dashboard>,
  Reads<mesh.ServiceNumbers, ServiceNumbers>,
  Reads<mesh.Status, OperatorStatus>,
  Reads<mesh.Circuit, CircuitRow>,
  Reads<changes.Change, ChangeRecord>,
  Reads<changes.Configuration, z.infer<typeof configurationShape>>,
  Reads<changes.Split, z.infer<typeof splitsShape>['splits'][number]>,
  Reads<changes.Canary, CanaryView>,
  Reads<changes.Previewed, ListedChanges>,
  Reads<traces.TraceSummary, TraceSummary>,
  Reads<traces.FoundTraces, FoundTraces>,
  Reads<traces.Trace, TraceView>,
  Reads<traces.ServiceLatency, ServiceLatency>,
  Reads<traces.Bottlenecks, Bottlenecks>,
  Reads<mesh.ListedService, z.infer<typeof servicesShape>['services'][number]>,
  Reads<mesh.Topology, Topology>,
]

const { dashboard } = meshAnswers({ services: 20, failingEvery: 5 })
/** With what the page does not read. */
const alerts = dashboard.alerts.map((alert) => ({ ...alert, fired_at: alert.since, resolved_at: null }))
const trace = traceOf(Date.now())
const UNREAD = { missing_parent: false, clock_shift: 0, start_time: trace.start_time, scope: '', links: [] }
const answers: readonly (readonly [what: string, shape: z.ZodType, answer: unknown])[] = [
  ['the dashboard', dashboardShape, { ...dashboard, alerts, recent_traces: [] }],
  ['a configuration', configurationShape, configurationOf(nameOf(0))],
  ['splits', splitsShape, splitsOf(nameOf(0))],
  ['canaries', canaryShape, canariesOf(nameOf(0), Date.now()).canaries[0]],
  ['a summary of a trace', summaryShape, tracesOf(Date.now()).traces[0]],
  ['a trace', traceShape, { ...trace, spans: trace.spans.map((span) => ({ ...UNREAD, ...span })) }],
]
for (const [what, shape, answer] of answers) {
  test(`the stand-in for the operator answers ${what} in the operator's own shape`, () => {
    doesNotThrow(() => shape.parse(answer))
  })
}
