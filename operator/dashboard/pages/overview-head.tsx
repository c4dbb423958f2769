import type { Mesh } from '../data/mesh.ts'
import { count, duration, percent, rate } from '../model/format.ts'
import type { Level } from '../model/severity.ts'
import { meshVerdict, type Trouble } from '../model/wrong-now.ts'
import { LevelIcon } from '../ui/icon.tsx'

export function Banner({
  data,
  troubles,
}: {
  readonly data: Mesh | null
  readonly troubles: readonly Trouble[]
}) {
  const verdict = data === null ? null : meshVerdict(data, troubles)
  const level: Level = verdict?.level ?? 'unknown'
  return (
    <div class={`banner banner-${level}`}>
      <LevelIcon level={level} size={30} />
      <div>
        <h1>{verdict === null ? 'Reading the mesh' : HEADLINES[level]}</h1>
        <p>{verdict?.sentence ?? 'Waiting for the first answer of the operator'}</p>
      </div>
    </div>
  )
}

const HEADLINES: Readonly<Record<Level, string>> = {
  bad: 'Something is failing',
  warn: 'The mesh is degraded',
  unknown: 'Nothing to judge',
  idle: 'The mesh is idle',
  ok: 'The mesh is healthy',
}

export function Tiles({ data }: { readonly data: Mesh | null }) {
  const numbers = data?.mesh_metrics
  const out = numbers === undefined ? 0 : numbers.total_instances - numbers.healthy_instances
  const failing = numbers === undefined ? 0 : 100 - numbers.success_rate
  const isCalled = data?.isMeasured === true && (numbers?.request_rate ?? 0) > 0
  const judged = [...(data?.rows.values() ?? [])].filter(
    ({ verdict }) => verdict.level === 'bad' || verdict.level === 'warn',
  )
  const circuits = numbers?.circuit_breakers_open ?? 0
  const none = data !== null && !data.isMeasured ? 'not measured here' : 'no request in the last minute'
  return (
    <dl class="tiles" aria-label="The mesh in numbers, of the last minute">
      <Tile
        label="Services"
        isCalm
        value={count(numbers?.total_services)}
        note={judged.length === 0 ? 'none in trouble' : `${judged.length} in trouble`}
        level={
          judged.some(({ verdict }) => verdict.level === 'bad')
            ? 'bad'
            : judged.length > 0
              ? 'warn'
              : undefined
        }
      />
      <Tile
        label="Instances healthy"
        value={numbers === undefined ? '–' : `${count(numbers.healthy_instances)}`}
        of={numbers === undefined ? undefined : `/ ${count(numbers.total_instances)}`}
        note={out === 0 ? 'all of them' : `${out} out or degraded`}
        level={out > 0 ? 'warn' : undefined}
      />
      <Tile
        label="Requests"
        value={isCalled ? rate(numbers?.request_rate) : '–'}
        of={isCalled ? '/s' : undefined}
        note={isCalled ? `${count(numbers?.total_requests)} in all` : none}
      />
      <Tile
        label="Failing"
        value={isCalled ? percent(failing) : '–'}
        note={isCalled ? `${count(numbers?.failed_requests)} in all` : none}
        level={isCalled && failing >= 10 ? 'bad' : isCalled && failing >= 1 ? 'warn' : undefined}
      />
      <Tile
        label="Mean latency"
        value={isCalled ? duration(numbers?.avg_latency) : '–'}
        note={isCalled ? 'of all requests' : none}
      />
      <Tile
        label="Circuits open"
        value={count(numbers?.circuit_breakers_open)}
        note={circuits === 0 ? 'all let requests pass' : 'kept out for now'}
        level={circuits > 0 ? 'warn' : undefined}
      />
    </dl>
  )
}

function Tile(props: {
  readonly label: string
  readonly value: string
  readonly of?: string | undefined
  readonly note: string
  readonly level?: Level | undefined
  /** It is the note that is not as it should be. */
  readonly isCalm?: boolean
}) {
  const { label, value, of, note, level, isCalm } = props
  return (
    <div class={level === undefined ? 'tile' : `tile tile-${level}`}>
      <dt>{label}</dt>
      <dd>
        <b class={isCalm ? 'tile-calm' : ''}>{value}</b>
        {of !== undefined && <span class="tile-of">{of}</span>}
        <span class="tile-note">
          {level !== undefined && <LevelIcon level={level} size={11} />}
          {note}
        </span>
      </dd>
    </div>
  )
}
