import { useMemo } from 'preact/hooks'
import { mesh } from '../data/mesh.ts'
import { useResource, useShared } from '../data/resource.ts'
import type { Circuit, Status } from '../model/api-shapes.ts'
import { wrongNow } from '../model/wrong-now.ts'
import { NoAnswer } from '../ui/panel.tsx'
import { History } from './history.tsx'
import { Banner, Tiles } from './overview-head.tsx'
import { Happening, Parts } from './overview-side.tsx'
import { ServiceTable } from './service-table.tsx'
import { WrongNow } from './wrong-now.tsx'

export const STATUS = 'status?services=false'

const OPEN_CIRCUITS = 'circuits?open=true'

export function Overview() {
  const [loaded, retry] = useShared(mesh)
  const [status, retryStatus] = useResource<Status>(STATUS)
  const { data, failure } = loaded
  const isOpen = (data?.mesh_metrics.circuit_breakers_open ?? 0) > 0
  const [circuits] = useResource<{ circuits: readonly Circuit[] }>(isOpen ? OPEN_CIRCUITS : null)
  const troubles = useMemo(
    () => wrongNow(data?.alerts ?? [], status.data, isOpen ? (circuits.data?.circuits ?? []) : []),
    [data?.alerts, status.data, circuits.data, isOpen],
  )
  if (data === null && failure !== null) {
    return (
      <section class="panel">
        <NoAnswer failure={failure} retry={retry} />
      </section>
    )
  }
  return (
    <>
      <Banner data={data} troubles={troubles} />
      <Tiles data={data} />
      <div class="columns">
        <div>
          <WrongNow loaded={loaded} retry={retry} troubles={troubles} status={status} />
          <ServiceTable loaded={loaded} retry={retry} />
          <Parts status={status} retry={retryStatus} />
        </div>
        <div>
          <History loaded={loaded} retry={retry} />
          <Happening />
        </div>
      </div>
    </>
  )
}
