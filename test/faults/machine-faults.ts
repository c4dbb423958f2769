// What the machine does to processes: clocks, descriptors, disks; and certificates, which time ends.
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { clockIs, type FakeClock, makeFakeClock, whyNoFakeClock } from '../support/fake-clock.ts'
import { allowFiles, refuseFiles, useUpFiles, whyNoFileLimit } from '../support/file-limit.ts'
import { freePorts } from '../support/free-port.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { descendants } from '../support/process-tree.ts'
import { makeSmallDisk, type SmallDisk, whyNoSmallDisk } from '../support/small-disk.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

const HOUR = 3_600

const clockStep = (name: string, what: string, seconds: number): Fault<never> =>
  fault<FakeClock>({
    name,
    what: `the clock of the operator and the plugins ${what}, and after 10 s back`,
    whyNot: whyNoFakeClock,
    setUp: async (after) => {
      const clock = await makeFakeClock()
      after(() => clock.remove())
      return {
        resource: clock,
        mesh: { pluginsEnv: clock.env },
        operatorEnv: async () => clock.env,
      }
    },
    lastsMs: 10_000,
    inject: async ({ resource: clock, mesh }) => {
      clock.step(seconds)
      await clockIs(`${mesh.apiUrl}/healthz`, seconds)
    },
    heal: async ({ resource: clock, mesh }) => {
      clock.step(0)
      await clockIs(`${mesh.apiUrl}/healthz`, 0)
    },
    bounds: { failed: 0 },
  })

const noFiles = (
  name: string,
  what: string,
  take: (pid: number) => void,
  pidsOf: (stage: Stage) => readonly number[],
): Fault<never> =>
  fault({
    name,
    what: `${what} (EMFILE) for 5 s, in which an instance leaves`,
    whyNot: whyNoFileLimit,
    lastsMs: 5_000,
    inject: async (stage) => {
      for (const pid of pidsOf(stage)) take(pid)
      await stage.mesh.deregister(stage.instances[0]!.name)
    },
    heal: async (stage) => {
      for (const pid of pidsOf(stage)) allowFiles(pid)
      const { name, port } = stage.instances[0]!
      await stage.mesh.register({ id: name, name: stage.service, port })
    },
    bounds: { failed: 0, wholeMs: 15_000, newServiceMs: 15_000 },
  })

/** What a client is shown on TLS. */
async function shownTo(port: number, servername: string): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

/** Which certificate Kong is to show, and whether it does. */
interface Edge {
  readonly write: (which: 'ending' | 'next') => void
  readonly isShown: (which: 'ending' | 'next') => Promise<boolean>
}
const HOST = 'edge.example'

export const MACHINE_FAULTS: readonly Fault<never>[] = [
  clockStep('clock-forward', 'steps an hour forward', HOUR),
  clockStep('clock-back', 'steps an hour back', -HOUR),
  noFiles(
    'files-operator',
    'the operator can open no file and no connection more',
    refuseFiles,
    ({ mesh }) => [mesh.operator.pid],
  ),
  noFiles(
    'files-plugins',
    'every plugin process has as many files and connections open as it may',
    useUpFiles,
    ({ processes }) => {
      const { pid } = processes.plugins
      return [pid, ...descendants(pid).map((child) => child.pid)]
    },
  ),
  fault<SmallDisk>({
    name: 'disk-full-operator',
    what: 'the disk of the operator is full when it saves traces on its stop, and when it starts again',
    whyNot: whyNoSmallDisk,
    setUp: async (after) => {
      const disk = makeSmallDisk(4)
      after(() => disk.remove())
      const file = join(disk.folder, 'traces.ndjson')
      return { resource: disk, operatorEnv: async () => ({ KONGSUL_TRACES_SNAPSHOT_FILE: file }) }
    },
    lastsMs: 0,
    inject: async ({ resource: disk, mesh, processes }) => {
      disk.fill(mesh.operator.pid)
      const code = await mesh.operator.stop()
      if (code !== 0)
        throw new Error(`the operator ended with ${code}: ${mesh.operator.output().slice(-500)}`)
      await processes.startOperator()
    },
    heal: ({ resource: disk, mesh }) => disk.free(mesh.operator.pid),
    bounds: { failed: 0 },
  }),
  fault<SmallDisk>({
    name: 'disk-full-consul',
    what: 'the disk of Consul is full for 5 s: it takes no write',
    whyNot: whyNoSmallDisk,
    setUp: async (after) => {
      const disk = makeSmallDisk(256)
      after(() => disk.remove())
      return { resource: disk, mesh: { meshOptions: { keepData: true, dataFolder: disk.folder } } }
    },
    lastsMs: 5_000,
    inject: ({ resource: disk, mesh }) => disk.fill(mesh.consul.pid),
    heal: async ({ resource: disk, mesh }) => {
      disk.free(mesh.consul.pid)
      // A server of Consul whose log could not be written ends, or has to be started again by whoever runs it.
      await mesh.consul.kill()
      await mesh.consul.start()
    },
    bounds: { failed: 0 },
  }),
  fault<Edge>({
    name: 'certificate-expiring',
    what: 'the certificate that clients of Kong are shown ends within a day, and is replaced 5 s later; all traffic is TLS',
    setUp: async (after) => {
      const folder = mkdtempSync(join(tmpdir(), 'kongsul-edge-'))
      after(() => rmSync(folder, { recursive: true, force: true }))
      const [port] = (await freePorts(1)) as [number]
      const pairs = { ending: makeCertificate([HOST], { days: 1 }), next: makeCertificate([HOST]) }
      const write: Edge['write'] = (which) => {
        writeFileSync(join(folder, 'edge.pem'), pairs[which].cert)
        writeFileSync(join(folder, 'edge.key'), pairs[which].key)
      }
      const isShown: Edge['isShown'] = async (which) =>
        (await shownTo(port, HOST)) === new X509Certificate(pairs[which].cert).fingerprint256
      write('next')
      return {
        resource: { write, isShown },
        mesh: { meshOptions: { gatewayArgs: ['--proxy-tls-port', String(port)] } },
        tls: { port, servername: HOST, ca: pairs.ending.cert + pairs.next.cert },
        operatorEnv: async (mesh) => {
          const document = { certFile: 'edge.pem', keyFile: 'edge.key', hosts: [HOST] }
          await mesh.setKv('mesh/certificates/edge', document)
          return { KONGSUL_CERTIFICATES_FOLDER: folder }
        },
      }
    },
    lastsMs: 5_000,
    inject: async ({ resource: edge }) => {
      edge.write('ending')
      await waitFor(() => edge.isShown('ending'), { deadlineMs: 30_000, what: 'the one that ends' })
    },
    isNoticed: async (stage) =>
      (await stage.status()).problems.some(({ code }) => code === 'CERTIFICATE_EXPIRING'),
    heal: async ({ resource: edge }) => {
      edge.write('next')
      await waitFor(() => edge.isShown('next'), { deadlineMs: 30_000, what: 'the new one' })
    },
    bounds: { failed: 0, noticedMs: 5_000 },
  }),
]
