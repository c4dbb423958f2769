// Every connection that is opened, on real TLS sockets: a door that asks for a certificate, one that another authority has
// signed, ones that have expired, and files that are renewed while connections are kept.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createProxyClient } from '../../operator/call/proxy-client.ts'
import { createConsulReader } from '../../operator/consul/consul-reader.ts'
import { KongAdmin } from '../../operator/kong/kong-admin.ts'
import { RedisConnection } from '../../operator/legacy/redis-connection.ts'
import { tlsFetch } from '../../operator/secrets/tls-fetch.ts'
import { TlsFiles } from '../../operator/secrets/tls-files.ts'
import type { TlsConfig } from '../../operator/secrets/tls-options.ts'
import { tlsSetting } from '../../operator/secrets/tls-remedy.ts'
import { AlertSender } from '../../operator/sync/alert-sender.ts'
import { type Logger, silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { createHandOn } from '../../operator/traces/hand-on.ts'
import { OperatorCalls } from '../../plugins/agent/operator-calls.ts'
import { OperatorLink } from '../../plugins/export/operator-link.ts'
import { OtlpExporter } from '../../plugins/export/otlp-exporter.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { startTlsDoor, type TlsDoor } from '../support/tls-door.ts'
import { waitFor } from '../support/wait-for.ts'

interface Asking {
  /** One question that is answered. @throws Error why not */
  ask(): Promise<unknown>
  close(): unknown
}

/** Who asks, by the prefix of its settings. */
interface Connection {
  readonly what: string
  readonly prefix: string
  readonly open: (port: number, tls: TlsConfig) => Asking
  /** What stands behind the door. */
  readonly behind?: 'redis'
}

const metrics = createMetrics('test')
const none = new AbortController().signal

/** A log that keeps why something failed; it is not said each time. */
function hearing() {
  const said: string[] = []
  const log: Logger = {
    ...silentLogger,
    warn: (_message, fields = {}) =>
      said.push(String((fields['error'] as Error)?.message ?? fields['reason'])),
  }
  return { log, last: () => said.at(-1) ?? 'it was not said why' }
}

/** @throws Error with what the log says once `isFailed` */
async function settled(isDone: () => boolean, isFailed: () => boolean, why: () => string): Promise<void> {
  await waitFor(() => isDone() || isFailed(), { what: 'an answer' })
  if (!isDone()) throw new Error(why())
}

const onePosted = <T>({ last }: ReturnType<typeof hearing>, exporter: OtlpExporter<T>, item: T): Asking => ({
  ask: async () => {
    const { exported, dropped } = exporter.counts
    const { gave_up: before } = dropped
    exporter.add([item])
    await settled(
      () => exporter.counts.exported > exported,
      () => dropped.gave_up > before,
      last,
    )
  },
  close: () => exporter.stop(0),
})

const CONNECTIONS: readonly Connection[] = [
  {
    what: 'Consul',
    prefix: 'consul',
    open: (port, tls) => {
      const reader = createConsulReader({ url: `https://localhost:${port}`, tls }, metrics)
      return { ask: () => reader.nodes({}), close: () => reader.close() }
    },
  },
  {
    what: "Kong's Admin API",
    prefix: 'kong',
    open: (port, tls) => {
      const kong = { adminUrl: `https://localhost:${port}`, timeoutMs: 5_000, parallel: 2, tls }
      const admin = new KongAdmin(kong, metrics)
      return { ask: () => admin.call('GET', ['status']), close: () => admin.close() }
    },
  },
  {
    what: "Kong's proxy",
    prefix: 'kong.proxy',
    open: (port, tls) => {
      const client = createProxyClient(`https://localhost:${port}`, { tls })
      const request = { method: 'GET', host: 'shop.mesh', path: '/', headers: {}, data: undefined }
      return { ask: () => client.send(request, none), close: () => client.close() }
    },
  },
  {
    what: 'Redis',
    prefix: 'redis',
    behind: 'redis',
    open: (port, tls) => {
      const redis = new RedisConnection({
        redis: { url: `rediss://localhost:${port}`, tls },
        log: silentLogger,
      })
      return { ask: () => redis.run('PING'), close: () => redis.stop() }
    },
  },
  {
    what: 'Alertmanager',
    prefix: 'alerts',
    open: (port, tls) => {
      const { log, last } = hearing()
      const counted = createMetrics('test')
      const count = async (result: string) => {
        const { values } = await counted.alertNotifications.get()
        return values.find(({ labels }) => labels['result'] === result)?.value ?? 0
      }
      const sender = new AlertSender({
        ...{ urls: [`https://localhost:${port}`], tls, mesh: 'm', apiUrl: () => '', isActive: () => true },
        ...{ metrics: counted, log, backoff: { baseMs: 1, maxMs: 1 } },
      })
      let asked = 0
      return {
        ask: async () => {
          const [sent, failed] = [await count('sent'), await count('failed')]
          const id = `A/${asked++}`
          const alert = { id, name: 'MeshHeld', severity: 'warning', service: 'web', message: '' } as const
          const times = { sinceMs: 1, firedMs: 1, resolvedMs: null, state: 'firing' } as const
          sender.update([{ ...alert, ...times, value: 1, threshold: 0 }], [], Date.now())
          const isOver = async () => (await count('sent')) > sent || (await count('failed')) > failed
          await waitFor(isOver, { what: 'an answer' })
          if ((await count('failed')) > failed) throw new Error(last())
        },
        close: () => sender.stop(),
      }
    },
  },
  {
    what: 'a collector that the operator hands spans on to',
    prefix: 'traces.export',
    open: (port, tls) => {
      const heard = hearing()
      const url = `https://localhost:${port}/v1/traces`
      const exporter = createHandOn({ url, tls, log: heard.log, maxTries: 1 })
      return onePosted(heard, exporter, { encoding: 'json', bytes: Buffer.from('{}'), spans: 1 })
    },
  },
  {
    what: 'a collector of the plugin process',
    prefix: 'otlp',
    open: (port, tls) => {
      const heard = hearing()
      const exporter = new OtlpExporter<string>({
        ...{ name: 'c', url: `https://localhost:${port}/v1/traces`, tls: { tls, prefix: 'otlp' } },
        ...{ log: heard.log, maxTries: 1, delayMs: 1 },
        encode: ([body = '']) => [{ body, contentType: 'application/json', spans: 1 }],
      })
      return onePosted(heard, exporter, '{}')
    },
  },
  {
    what: 'an operator that plugins tell of outcomes',
    prefix: 'operators',
    open: (port, tls) => {
      const { log, last } = hearing()
      const link = new OperatorLink({ operator: `https://localhost:${port}`, token: 't', tls, log })
      const tried = () => link.counts.dropped.failed
      return {
        ask: async () => {
          const [sent, failed] = [link.counts.sent, tried()]
          link.add('{}')
          await settled(
            () => link.counts.sent > sent,
            () => tried() > failed,
            last,
          )
        },
        close: () => link.stop(0),
      }
    },
  },
  {
    what: 'an operator that plugins ask',
    prefix: 'operators',
    open: (port, tls) => {
      const calls = new OperatorCalls(`https://localhost:${port}`, 't', '1', tls)
      return { ask: () => calls.call('GET', '/internal/mesh'), close: () => calls.close() }
    },
  },
  {
    what: 'an operator that commands and followers ask',
    prefix: 'operators',
    open: (port, tls) => {
      const ask = async () => (await tlsFetch(tls, 'operators')(`https://localhost:${port}/readyz`)).text()
      return { ask, close: () => {} }
    },
  },
]

const authorityOf = (name: string) => makeCertificate([name], { isAuthority: true })
const [ours, theirs] = [authorityOf('ours'), authorityOf('theirs')]
const server = makeCertificate(['localhost'], { by: ours })
const client = makeCertificate(['client'], { by: ours })

const folder = mkdtempSync(join(tmpdir(), 'kongsul-doors-'))
const CONSULS = {
  'content-type': 'application/json',
  'x-consul-index': '1',
  'x-consul-knownleader': 'true',
}
let http: ScriptedServer
let redis: TestRedis
before(async () => {
  http = await startScriptedServer()
  http.script({ status: 200, headers: CONSULS, body: '[]' })
  redis = await startRedis()
})
after(async () => {
  rmSync(folder, { recursive: true })
  await Promise.all([http.close(), redis.stop()])
})

/** Files of a connection, written and written again. */
function filesOf(prefix: string) {
  const path = (name: string) => join(folder, `${prefix}-${name}`)
  const named = (name: string, setting: string) => ({
    setting: tlsSetting(prefix, setting),
    path: path(name),
  })
  const write = (texts: { readonly ca?: string; readonly cert?: string; readonly key?: string }) => {
    for (const [name, text] of Object.entries(texts)) writeFileSync(path(name), text)
  }
  return {
    write,
    open: (texts: { readonly ca: string; readonly cert?: string; readonly key?: string }): TlsConfig => {
      write(texts)
      const pair =
        texts.cert === undefined ? {} : { cert: named('cert', 'certFile'), key: named('key', 'keyFile') }
      return { files: new TlsFiles({ ca: named('ca', 'caFile'), ...pair }, { tell: () => {} }) }
    },
  }
}

for (const { what, prefix, open, behind } of CONNECTIONS) {
  describe(what, () => {
    let door: TlsDoor
    const opened: Asking[] = []
    const files = filesOf(prefix)
    before(async () => {
      door = await startTlsDoor(behind === 'redis' ? redis.port : http.port, server, ours.cert)
    })
    after(async () => {
      for (const each of opened) await each.close()
      await door.close()
    })
    const asking = (tls: TlsConfig): Asking => {
      const made = open(door.port, tls)
      opened.push(made)
      return made
    }
    const setting = (name: string) => tlsSetting(prefix, name).replaceAll('.', '\\.')
    const failsBy = (asked: Asking, says: RegExp) => rejects(asked.ask(), { message: says })
    const works = (asked: Asking, reason: string) =>
      waitFor(() => asked.ask().then(() => true), { what: reason, pollMs: 50 })

    test('a door that asks for a certificate lets in who shows one', async () => {
      await asking(files.open({ ca: ours.cert, ...client })).ask()
      equal(door.let.at(-1), 'client')
    })

    test('without one it names the settings', async () => {
      const certFile = setting('certFile')
      await failsBy(
        asking(files.open({ ca: ours.cert })),
        new RegExp(`asks for a client certificate: give one in ${certFile}`),
      )
    })

    test('one that another authority has signed is refused', async () => {
      const foreign = makeCertificate(['foreign'], { by: theirs })
      await rejects(asking(files.open({ ca: ours.cert, ...foreign })).ask())
      ok(!door.let.includes('foreign'))
    })

    test('a server that another authority has signed is refused, and hears nothing', async () => {
      const before = door.let.length
      await failsBy(
        asking(files.open({ ca: theirs.cert, ...client })),
        new RegExp(`no authority that is known here: give the authority's in ${setting('caFile')}`),
      )
      equal(door.let.length, before)
    })

    test('a server of another name is refused, and taken by the name that is given', async () => {
      door.renew(makeCertificate(['other.example'], { by: ours }))
      try {
        const tls = files.open({ ca: ours.cert, ...client })
        await failsBy(asking(tls), new RegExp(`has another name: give that one in ${setting('serverName')}`))
        await asking({ ...tls, serverName: 'other.example' }).ask()
        ok(door.asked.has('other.example'))
      } finally {
        door.renew(server)
      }
    })

    test('a server whose certificate has expired is refused, and taken again when it is renewed', async () => {
      door.renew(makeCertificate(['localhost'], { by: ours, days: -1 }))
      try {
        const asked = asking(files.open({ ca: ours.cert, ...client }))
        await failsBy(asked, /has expired: renew it there/)
        door.renew(server)
        await works(asked, 'the renewed certificate being taken')
      } finally {
        door.renew(server)
      }
    })

    test('one of ours that has expired is refused, and the renewed file is used without a restart', async () => {
      const expired = makeCertificate(['expired'], { by: ours, days: -1 })
      const asked = asking(files.open({ ca: ours.cert, ...expired }))
      await rejects(asked.ask())
      ok(!door.let.includes('expired'))
      files.write(makeCertificate(['renewed'], { by: ours }))
      await works(asked, 'the renewed file being used')
      equal(door.let.at(-1), 'renewed')
    })

    test('everything is renewed on both sides while it is used', async () => {
      const asked = asking(files.open({ ca: ours.cert, ...client }))
      await asked.ask()
      try {
        // As it is done: both authorities first, then the certificates, then the new one alone.
        files.write({ ca: `${ours.cert}\n${theirs.cert}` })
        door.renew(makeCertificate(['localhost'], { by: theirs }), theirs.cert)
        await rejects(asked.ask())
        files.write(makeCertificate(['next'], { by: theirs }))
        await works(asked, 'the next certificate being used')
        equal(door.let.at(-1), 'next')
      } finally {
        door.renew(server, ours.cert)
      }
    })
  })
}

test('a certificate in a file is used for the next connection, while kept ones are there', async () => {
  const door = await startTlsDoor(http.port, server, ours.cert)
  const files = filesOf('kept')
  const tls = files.open({ ca: ours.cert, ...client })
  const kong = { adminUrl: `https://localhost:${door.port}`, timeoutMs: 5_000, parallel: 2, tls }
  const admin = new KongAdmin(kong, metrics)
  try {
    await admin.call('GET', ['status'])
    await admin.call('GET', ['status'])
    deepEqual(door.let, ['client'])
    files.write(makeCertificate(['next'], { by: ours }))
    await waitFor(
      async () => {
        await admin.call('GET', ['status'])
        return door.let.includes('next')
      },
      { what: 'the next certificate being shown' },
    )
    const shown = door.let.length
    await admin.call('GET', ['status'])
    equal(door.let.length, shown, 'the new connection is kept as well')
  } finally {
    admin.close()
    await door.close()
  }
})

test('https to what speaks no TLS says so', async () => {
  await rejects(tlsFetch(undefined, 'operators')(`https://localhost:${http.port}/`), ({ message }: Error) => {
    match(message, /does not speak TLS there/)
    return true
  })
})
