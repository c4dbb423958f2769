import { useMemo } from 'preact/hooks'
import { mesh } from '../data/mesh.ts'
import { replaceParams, usePlace } from '../data/place.ts'
import { useShared } from '../data/resource.ts'
import { plural } from '../model/format.ts'
import { MOST_NODES, shownGraph } from '../model/graph-view.ts'
import { LEVEL_WORDS, LEVELS } from '../model/severity.ts'
import { LevelIcon } from '../ui/icon.tsx'
import { NameList } from '../ui/name-list.tsx'
import { Panel } from '../ui/panel.tsx'
import { Switch } from '../ui/switch.tsx'
import { GraphTable } from './graph-table.tsx'
import { GraphView } from './graph-view.tsx'

export function GraphPage() {
  const [loaded, retry] = useShared(mesh)
  const { params } = usePlace()
  const focus = params['focus'] ?? null
  const depth = Math.min(4, Math.max(1, Number(params['depth'] ?? 1) || 1))
  const graph = loaded.data?.service_graph
  const shown = useMemo(
    () => (graph === undefined ? null : shownGraph(graph, { focus, depth })),
    [graph, focus, depth],
  )
  const isTable = params['view'] === 'table'
  return (
    <>
      <h1 class="sr-only">Graph</h1>
      <Panel
        title="Who calls whom"
        class="panel-graph"
        loaded={loaded}
        retry={retry}
        partial={(data) =>
          data.isMeasured ? null : 'this operator counts no requests, so that edges have no numbers'
        }
        aside={
          <div class="toolbar">
            <Focus names={graph?.nodes.map(({ id }) => id) ?? []} focus={shown?.focus ?? null} />
            {shown?.focus != null && (
              <label>
                <span>Steps</span>
                <select
                  value={String(depth)}
                  onChange={(event) =>
                    replaceParams({
                      depth: event.currentTarget.value === '1' ? '' : event.currentTarget.value,
                    })
                  }
                >
                  {[1, 2, 3, 4].map((each) => (
                    <option key={each} value={String(each)}>
                      {each}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <Switch
              of={[
                ['', 'Picture'],
                ['table', 'Table'],
              ]}
              value={isTable ? 'table' : ''}
              onValue={(view) => replaceParams({ view })}
            />
          </div>
        }
        empty={(data) =>
          data.service_graph.nodes.length === 0 ? (
            <>
              <p>
                <b>No service yet.</b>
              </p>
              <p class="muted">
                Register one in Consul; calls between services are drawn as soon as there are some.
              </p>
            </>
          ) : null
        }
      >
        {() =>
          shown !== null && (
            <>
              <p class="graph-note muted" role="status">
                {shown.focus === null
                  ? `${plural(shown.nodes.length, 'service')}, ${plural(shown.edges.length, 'call')} between them`
                  : `${plural(shown.nodes.length, 'service')} around ${shown.focus}; ${plural(shown.hidden, 'other')} not drawn`}
                {shown.focus !== null &&
                  focus === null &&
                  ` (more than ${MOST_NODES} would be too many to see anything)`}
                {shown.edges.length === 0 && '. No calls were seen yet: send requests through the proxy'}
              </p>
              {isTable ? <GraphTable shown={shown} /> : <GraphView shown={shown} />}
              {!isTable && <Legend />}
            </>
          )
        }
      </Panel>
    </>
  )
}

function Focus({ names, focus }: { readonly names: readonly string[]; readonly focus: string | null }) {
  const choose = (name: string) => {
    if (name === '' || names.includes(name)) replaceParams({ focus: name, depth: '' })
  }
  return (
    <>
      <label>
        <span>Focus</span>
        <input
          type="search"
          list="graph-names"
          placeholder="a service"
          key={focus ?? ''}
          defaultValue={focus ?? ''}
          onInput={(event) => {
            if (names.includes(event.currentTarget.value)) choose(event.currentTarget.value)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') choose(event.currentTarget.value.trim())
          }}
          onSearch={(event) => {
            if ((event.currentTarget as HTMLInputElement).value === '') choose('')
          }}
        />
      </label>
      <NameList id="graph-names" names={names} />
      {focus !== null && names.length <= MOST_NODES && (
        <button type="button" onClick={() => choose('')}>
          Show all
        </button>
      )}
    </>
  )
}

function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      {LEVELS.map((level) => (
        <li key={level}>
          <LevelIcon level={level} /> {LEVEL_WORDS[level]}
        </li>
      ))}
      <li>
        <svg width="34" height="12" aria-hidden="true">
          <path class="edge edge-ok" stroke-width="1.3" d="M1 3h32" />
          <path class="edge edge-ok" stroke-width="4" d="M1 9h32" />
        </svg>
        few, many requests
      </li>
      <li>
        <svg width="34" height="12" aria-hidden="true">
          <path class="edge edge-bad" stroke-width="2.5" d="M1 6h32" />
        </svg>
        requests fail
      </li>
      <li>
        <svg width="34" height="12" aria-hidden="true">
          <path class="edge edge-idle" stroke-width="1.3" d="M1 6h32" />
        </svg>
        called before, not in the last minute
      </li>
    </ul>
  )
}
