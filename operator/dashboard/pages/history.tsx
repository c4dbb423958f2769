import { useMemo } from 'preact/hooks'
import type { Mesh } from '../data/mesh.ts'
import { replaceParams, usePlace } from '../data/place.ts'
import type { Loaded } from '../data/resource.ts'
import { duration, percent, rate } from '../model/format.ts'
import { seriesOf } from '../model/history.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { Chart } from '../ui/chart.tsx'
import { LevelIcon } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { Switch } from '../ui/switch.tsx'
import { HistoryTable } from './history-table.tsx'

export function History({ loaded, retry }: { readonly loaded: Loaded<Mesh>; readonly retry: () => void }) {
  const { range, params } = usePlace()
  const isTable = params['history'] === 'table'
  const { data } = loaded
  const toMs = loaded.atMs ?? 0
  const fromMs = toMs - rangeMs(range)
  const samples = data?.metrics_history
  const series = useMemo(() => {
    const all = samples ?? []
    return {
      rate: seriesOf(all, (sample) => sample.request_rate, fromMs),
      errors: seriesOf(all, (sample) => (sample.request_rate > 0 ? 100 - sample.success_rate : null), fromMs),
      latency: seriesOf(all, (sample) => (sample.request_rate > 0 ? sample.avg_latency : null), fromMs),
    }
  }, [samples, fromMs])
  return (
    <Panel
      title={`Traffic, last ${rangeLabel(range)}`}
      aside={
        <Switch
          of={[
            ['', 'Charts'],
            ['table', 'Table'],
          ]}
          value={isTable ? 'table' : ''}
          onValue={(history) => replaceParams({ history, samples: '' })}
        />
      }
      loaded={loaded}
      retry={retry}
      empty={(mesh) =>
        mesh.isMeasured ? null : (
          <>
            <p>
              <LevelIcon level="unknown" /> <b>Not available</b>
            </p>
            <p class="muted">This operator keeps no history of requests.</p>
          </>
        )
      }
    >
      {(mesh) =>
        isTable ? (
          <HistoryTable samples={mesh.metrics_history} fromMs={fromMs} toMs={toMs} />
        ) : (
          <div class="charts">
            <Chart
              label="Requests a second"
              series={series.rate}
              show={(value) => `${rate(value)}/s`}
              tone="rate"
              fromMs={fromMs}
              toMs={toMs}
            />
            <Chart
              label="Failing"
              series={series.errors}
              show={percent}
              tone="errors"
              fromMs={fromMs}
              toMs={toMs}
              least={5}
            />
            <Chart
              label="Mean latency"
              series={series.latency}
              show={duration}
              tone="latency"
              fromMs={fromMs}
              toMs={toMs}
              least={10}
            />
          </div>
        )
      }
    </Panel>
  )
}
