// Alerts to Alertmanagers on real sockets: what they get, when it is tried again, and who tells.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert } from '../../operator/alerts/alert-state.ts'
import { AlertSender, type AlertSenderOptions } from '../../operator/sync/alert-sender.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { waitFor } from '../support/wait-for.ts'

const FIRED_MS = Date.parse('2026-01-02T03:04:05.000Z')
const OK = { status: 200 }

const alertOf = (id: string, over: Partial<Alert> = {}): Alert => ({
  ...{ id, name: 'MeshErrorRateHigh', severity: 'warning', service: 'web', message: 'bad' },
  ...{ value: 7, threshold: 5, state: 'firing', sinceMs: FIRED_MS, firedMs: FIRED_MS, resolvedMs: null },
  ...over,
})
const FIRING = alertOf('MeshErrorRateHigh/web')
const ENDED = alertOf('MeshLatencyHigh/web', {
  name: 'MeshLatencyHigh',
  state: 'resolved',
  resolvedMs: Date.now() - 1_000,
})

interface Sending {
  readonly sender: AlertSender
  readonly receivers: readonly ScriptedServer[]
  /** Of posts, by what became of them. */
  readonly counts: () => Promise<Record<string, number>>
}

async function withSender(
  { receivers: count = 1, ...options }: Partial<AlertSenderOptions> & { readonly receivers?: number },
  use: (sending: Sending) => Promise<void>,
): Promise<void> {
  const receivers = await Promise.all(Array.from({ length: count }, () => startScriptedServer()))
  const metrics = createMetrics('test')
  const sender = new AlertSender({
    urls: receivers.map(({ url }) => `${url}/`),
    mesh: 'default',
    apiUrl: () => 'http://op:8080',
    isActive: () => true,
    metrics,
    log: silentLogger,
    backoff: { baseMs: 2, maxMs: 4 },
    ...options,
  })
  const counts = async () => {
    const { values } = await metrics.alertNotifications.get()
    return Object.fromEntries(values.map(({ labels, value }) => [labels['result'], value]))
  }
  try {
    await use({ sender, receivers, counts })
  } finally {
    sender.stop()
    await Promise.all(receivers.map((each) => each.close()))
  }
}

interface Posted {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}
const postsOf = ({ seen }: ScriptedServer) => seen.map(({ body }) => JSON.parse(body) as Posted[])
const namesOf = (posts: readonly Posted[]) => posts.map(({ labels }) => labels['alertname']).sort()

test('what fires is posted as Alertmanager’s API v2 takes it, to end by itself should nobody tell again', () =>
  withSender({ token: 'only-for-tests', resendMs: 60_000 }, async ({ sender, receivers: [receiver] }) => {
    sender.update([FIRING], [], Date.now())
    await waitFor(() => receiver!.seen.length === 1)
    const [{ method, path, headers }] = receiver!.seen as [ScriptedServer['seen'][number]]
    deepEqual([method, path], ['POST', '/api/v2/alerts'])
    deepEqual([headers['content-type'], headers.authorization], ['application/json', 'Bearer only-for-tests'])
    const [[posted]] = postsOf(receiver!) as [[Posted]]
    deepEqual(posted.labels, {
      ...{ alertname: 'MeshErrorRateHigh', severity: 'warning', mesh: 'default', service: 'web' },
    })
    deepEqual(posted.annotations, {
      summary: 'bad',
      description: 'bad (7, threshold 5)',
      runbook_url: 'docs/runbook/MeshErrorRateHigh.md',
    })
    equal(posted.startsAt, '2026-01-02T03:04:05.000Z')
    equal(posted.generatorURL, 'http://op:8080/api/v1/mesh/v2/alerts')
    const lastsMs = Date.parse(posted.endsAt) - Date.now()
    ok(lastsMs > 200_000 && lastsMs <= 240_000, `${lastsMs}`)
  }))

test('the page of an alert is told where people on call read it', () =>
  withSender({ runbook: 'https://wiki.example/runbook' }, async ({ sender, receivers: [receiver] }) => {
    sender.update([FIRING], [], Date.now())
    await waitFor(() => receiver!.seen.length === 1)
    const [[posted]] = postsOf(receiver!) as [[Posted]]
    equal(posted.annotations['runbook_url'], 'https://wiki.example/runbook/MeshErrorRateHigh.md')
  }))

test('what has been told is not told again before the next round', () =>
  withSender({ resendMs: 60_000 }, async ({ sender, receivers: [receiver] }) => {
    const startMs = Date.now()
    sender.update([FIRING], [], startMs)
    await waitFor(() => receiver!.seen.length === 1)
    for (let i = 1; i <= 50; i++) sender.update([FIRING], [], startMs + i)
    sender.update([FIRING, alertOf('other')], [], startMs + 51)
    await waitFor(() => receiver!.seen.length === 2)
    sender.update([FIRING, alertOf('other')], [], Date.now() + 60_000)
    await waitFor(() => receiver!.seen.length === 3)
    deepEqual(
      postsOf(receiver!).map(({ length }) => length),
      [1, 2, 2],
    )
  }))

for (const answer of [{ status: 500 }, { status: 503 }, { status: 429 }, 'reset', 'hang'] as const) {
  const what = typeof answer === 'string' ? answer : String(answer.status)
  test(`a post that ends in ${what} is tried again until it is taken`, () =>
    withSender({ timeoutMs: 300 }, async ({ sender, receivers: [receiver], counts }) => {
      receiver!.script(answer, answer, OK)
      sender.update([FIRING], [], Date.now())
      await waitFor(async () => (await counts())['sent'] === 1)
      equal(receiver!.seen.length, 3)
      equal((await counts())['failed'], 0)
    }))
}

test('what is not understood is not sent again, and counts as failed', () =>
  withSender({}, async ({ sender, receivers: [receiver], counts }) => {
    receiver!.script({ status: 400 })
    sender.update([FIRING], [], Date.now())
    await waitFor(async () => (await counts())['failed'] === 1)
    equal(receiver!.seen.length, 1)
  }))

test('after its last try a post counts as failed once, and the next round tells it', () =>
  withSender({ resendMs: 60_000 }, async ({ sender, receivers: [receiver], counts }) => {
    receiver!.script({ status: 503 })
    sender.update([FIRING], [], Date.now())
    await waitFor(async () => (await counts())['failed'] === 1)
    equal(receiver!.seen.length, 4)
    receiver!.script(OK)
    sender.update([FIRING], [], Date.now() + 60_000)
    await waitFor(async () => (await counts())['sent'] === 1)
    deepEqual(namesOf(postsOf(receiver!).at(-1)!), ['MeshErrorRateHigh'])
  }))

test('one that hangs holds up no other', () =>
  withSender({ receivers: 2, timeoutMs: 60_000 }, async ({ sender, receivers: [hanging, other] }) => {
    hanging!.script('hang')
    sender.update([FIRING], [], Date.now())
    await waitFor(() => other!.seen.length === 1 && hanging!.seen.length === 1)
    sender.update([FIRING, alertOf('news')], [], Date.now())
    await waitFor(() => other!.seen.length === 2)
    equal(hanging!.seen.length, 1)
  }))

test('a follower tells nothing; who becomes leader tells what fires, and what has ended meanwhile', () => {
  let isActive = false
  return withSender({ isActive: () => isActive }, async ({ sender, receivers: [receiver], counts }) => {
    sender.update([FIRING], [], Date.now())
    sender.update([FIRING], [ENDED], Date.now())
    isActive = true
    sender.update([FIRING], [], Date.now())
    await waitFor(async () => (await counts())['sent'] === 1)
    equal(receiver!.seen.length, 1)
    deepEqual(namesOf(postsOf(receiver!)[0]!), ['MeshErrorRateHigh', 'MeshLatencyHigh'])
  })
})

test('what has ended is told with its end, in later rounds too, and no longer after a quarter of an hour', () =>
  withSender({ resendMs: 60_000 }, async ({ sender, receivers: [receiver] }) => {
    sender.update([], [ENDED], Date.now())
    await waitFor(() => receiver!.seen.length === 1)
    sender.update([], [], Date.now() + 60_000)
    await waitFor(() => receiver!.seen.length === 2)
    for (const [posted] of postsOf(receiver!)) {
      equal(posted!.endsAt, new Date(ENDED.resolvedMs!).toISOString())
      equal(posted!.startsAt, '2026-01-02T03:04:05.000Z')
    }
    sender.update([FIRING], [], Date.now() + 16 * 60_000)
    await waitFor(() => receiver!.seen.length === 3)
    deepEqual(namesOf(postsOf(receiver!)[2]!), ['MeshErrorRateHigh'])
  }))

test('what fires anew is told as firing, and its old end no more', () =>
  withSender({}, async ({ sender, receivers: [receiver] }) => {
    sender.update([], [ENDED], Date.now())
    await waitFor(() => receiver!.seen.length === 1)
    const again = { ...ENDED, state: 'firing', resolvedMs: null, firedMs: ENDED.firedMs } as const
    sender.update([again], [], Date.now())
    await waitFor(() => receiver!.seen.length === 2)
    const [, [posted, ...others]] = postsOf(receiver!) as [unknown, Posted[]]
    equal(others.length, 0)
    ok(Date.parse(posted!.endsAt) > Date.now())
  }))

test('stopping does not wait for one that hangs', () =>
  withSender({ timeoutMs: 60_000 }, async ({ sender, receivers: [receiver], counts }) => {
    receiver!.script('hang')
    sender.update([FIRING], [], Date.now())
    await waitFor(() => receiver!.seen.length === 1)
    sender.stop()
    sender.update([FIRING, alertOf('late')], [], Date.now())
    deepEqual(await counts(), { sent: 0, failed: 0 })
  }))
