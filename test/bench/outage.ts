// Consul is killed for 5 s under traffic and comes back, with its data or empty: who notices, and how soon it goes on.
import { consulOutage } from '../support/consul-outage.ts'
import { Mesh } from '../support/mesh.ts'
import type { Figure, Part } from './figure.ts'

const SAMPLES = 3
const OUTAGE = { downMs: 5_000, perSecond: 200 }

export const outage: Part = {
  name: 'outage',
  about: `Consul away for ${OUTAGE.downMs / 1000} s, then back; ${OUTAGE.perSecond} requests/s`,
  async run(log) {
    return [...(await measure('with its data', true, log)), ...(await measure('empty', false, log))]
  },
}

async function measure(what: string, keepData: boolean, log: (line: string) => void): Promise<Figure[]> {
  const mesh = await Mesh.start({}, undefined, { keepData })
  try {
    await mesh.startOperator()
    const took: number[] = []
    let failed = 0
    for (let nth = 0; nth < SAMPLES; nth++) {
      const { shots, seenAfterMs } = await consulOutage(mesh, { ...OUTAGE, nth })
      failed += shots.filter(({ status }) => status !== 200).length
      took.push(seenAfterMs)
    }
    log(`Consul back ${what}: ${took.map((ms) => ms.toFixed(0)).join(' ')}`)
    return [
      { what: `Consul back ${what}: failed requests`, value: failed, unit: '', goal: 0 },
      {
        what: `Consul back ${what}: new service -> first 200, longest of ${SAMPLES}`,
        value: Math.max(...took),
        unit: 'ms',
        goal: 1000,
      },
    ]
  } finally {
    await mesh.stop()
  }
}
